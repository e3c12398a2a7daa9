//! `/certificate`: keys and certificates that are real. What is signed here is served by `api-ssl`; what is imported is
//! what `/tool/fetch` trusts.

use std::{io, sync::Arc};

use chrono::{DateTime, Datelike, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
};
use sha2::{Digest, Sha256};

use super::{router::Router, schema::Menu, sentence::Command, table::Row, trap::Trap};

/// Certificates one file may hold.
const IMPORTED_MAX: usize = 200;

/// What belongs to a row of `/certificate` and is not shown.
#[derive(Clone)]
pub(crate) struct Credential {
    /// The certificate itself.
    pub(crate) der: Vec<u8>,
    /// Its key in PKCS 8, if the router has it.
    key: Option<Vec<u8>>,
    /// What it was made from, if it was made here.
    params: Option<CertificateParams>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("der", &hex::encode(Sha256::digest(&self.der))).finish_non_exhaustive()
    }
}

impl Credential {
    /// SHA-256 in hex, as the table prints it.
    pub(crate) fn fingerprint(&self) -> String {
        hex::encode(Sha256::digest(&self.der))
    }

    /// How a server speaks TLS with it.
    pub(crate) fn server_config(&self) -> io::Result<Arc<ServerConfig>> {
        let key = self.key.clone().ok_or_else(|| io::Error::other("no key"))?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(self.der.clone())], key)
            .map_err(io::Error::other)?;
        Ok(Arc::new(config))
    }
}

/// A day by the router's clock.
fn day(epoch_secs: i64) -> (i32, u8, u8) {
    let at = DateTime::<Utc>::from_timestamp(epoch_secs, 0).unwrap_or_default();
    (at.year(), u8::try_from(at.month()).unwrap_or(1), u8::try_from(at.day()).unwrap_or(1))
}

fn params_of(row: &Row, now: i64) -> Result<CertificateParams, Trap> {
    let failed = || Trap::new("failure: could not make certificate");
    let common_name = row.text("common-name");
    if common_name.is_empty() {
        return Err(Trap::new("failure: common name must be set"));
    }
    let alternative = row.text("subject-alt-name");
    let names = alternative.split(',').filter_map(|name| {
        let name = name.trim().trim_start_matches("DNS:").trim_start_matches("IP:");
        (!name.is_empty()).then(|| name.to_owned())
    });
    let mut params = CertificateParams::new(names.collect::<Vec<_>>()).map_err(|_| failed())?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    let days: i64 = row.text("days-valid").parse().unwrap_or(365);
    let (from, to) = (day(now.saturating_sub(86_400).max(0)), day(now.saturating_add(days.saturating_mul(86_400))));
    params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
    params.not_after = rcgen::date_time_ymd(to.0.min(9_999), to.1, to.2);
    let usage = row.text("key-usage");
    let has = |word: &str| usage.split(',').any(|held| held == word);
    if has("key-cert-sign") {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    for (word, purpose) in [
        ("digital-signature", KeyUsagePurpose::DigitalSignature),
        ("key-encipherment", KeyUsagePurpose::KeyEncipherment),
        ("key-cert-sign", KeyUsagePurpose::KeyCertSign),
        ("crl-sign", KeyUsagePurpose::CrlSign),
    ] {
        if has(word) {
            params.key_usages.push(purpose);
        }
    }
    if has("tls-server") {
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    }
    if has("tls-client") {
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
    }
    Ok(params)
}

impl Router {
    /// The certificates that are trusted.
    pub(crate) fn trusted_roots(&self) -> Vec<Vec<u8>> {
        let trusted = self.rows("/certificate").iter().filter(|row| row.is_true("trusted"));
        trusted.filter_map(|row| self.credentials.get(&row.id)).map(|credential| credential.der.clone()).collect()
    }

    /// What `api-ssl` shows to who connects.
    pub(crate) fn api_credential(&self) -> Option<&Credential> {
        let name = self.named("/ip/service", "api-ssl")?.text("certificate");
        self.credentials.get(&self.named("/certificate", &name)?.id)
    }

    /// Another certificate for `api-ssl` from now on.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub(crate) fn reissue_api_certificate(&mut self) -> Result<(), String> {
        let menu = super::schema::menu("/certificate", self.options.ros).ok_or("no menu")?;
        self.issue_api_certificate(menu).map_err(|trap| trap.message)
    }

    /// A certificate made by the simulator for `api-ssl`, in place of the one in use.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub(crate) fn issue_api_certificate(&mut self, menu: &'static Menu) -> Result<(), Trap> {
        const NAME: &str = "api";
        let used = self.named("/ip/service", "api-ssl").map(|row| row.text("certificate"));
        let name = used.filter(|name| !name.is_empty() && name != "none").unwrap_or_else(|| NAME.to_owned());
        let id = match self.named("/certificate", &name).map(|row| row.id) {
            Some(id) => id,
            None => {
                let mut row = Row::default();
                row.set("name", name.clone());
                row.set("common-name", "router.lan");
                row.set("subject-alt-name", "DNS:router.lan");
                row.set("days-valid", "3650");
                self.insert(menu, row)
            }
        };
        self.sign(id, None)?;
        if let Some(row) = self.table("/ip/service").rows.iter_mut().find(|row| row.text("name") == "api-ssl") {
            row.set("certificate", name);
        }
        Ok(())
    }

    /// Signs a row, by itself or by the row `ca`.
    fn sign(&mut self, id: u32, ca: Option<&str>) -> Result<(), Trap> {
        let failed = || Trap::new("failure: could not sign certificate");
        let now = self.epoch_secs();
        let row = self.table("/certificate").find(id).cloned().ok_or_else(|| self.no_such_item())?;
        let params = params_of(&row, now)?;
        let key = KeyPair::generate().map_err(|_| failed())?;
        let made = match ca {
            None => params.self_signed(&key).map_err(|_| failed())?,
            Some(ca) => {
                let issuer = self.named("/certificate", ca).and_then(|row| self.credentials.get(&row.id));
                let issuer = issuer.ok_or_else(|| Trap::no_match("ca"))?;
                let (Some(params_of_ca), Some(key_of_ca)) = (issuer.params.clone(), issuer.key.clone()) else {
                    return Err(Trap::new("failure: CA has no private key"));
                };
                let key_of_ca = PrivatePkcs8KeyDer::from(key_of_ca);
                let key_of_ca = KeyPair::try_from(&PrivateKeyDer::Pkcs8(key_of_ca)).map_err(|_| failed())?;
                params.signed_by(&key, &Issuer::new(params_of_ca, key_of_ca)).map_err(|_| failed())?
            }
        };
        let authority = matches!(params.is_ca, IsCa::Ca(_));
        let credential = Credential { der: made.der().to_vec(), key: Some(key.serialize_der()), params: Some(params) };
        let days: i64 = row.text("days-valid").parse().unwrap_or(365);
        self.describe(id, &credential, authority, now, now.saturating_add(days.saturating_mul(86_400)));
        if let Some(row) = self.table("/certificate").find_mut(id) {
            row.set("private-key", "true");
            if let Some(ca) = ca {
                row.set("ca", ca);
            } else if authority {
                row.set("trusted", "true");
            }
        }
        self.credentials.insert(id, credential);
        Ok(())
    }

    /// Writes into the table what the certificate says of itself.
    fn describe(&mut self, id: u32, credential: &Credential, authority: bool, from: i64, to: i64) {
        let ros = self.options.ros;
        let date = |at: i64| {
            let (date, time) = super::value::date_time(ros, at);
            format!("{date} {time}")
        };
        let fingerprint = credential.fingerprint();
        if let Some(row) = self.table("/certificate").find_mut(id) {
            row.set("serial-number", fingerprint.get(..16).unwrap_or_default().to_ascii_uppercase());
            row.set("fingerprint", fingerprint);
            row.set("authority", super::table::bool_text(authority));
            row.set("invalid-before", date(from));
            row.set("invalid-after", date(to));
        }
    }

    /// `/certificate/sign`.
    ///
    /// # Errors
    /// For rows that are signed already, without a common name, and unknown authorities.
    pub(crate) fn sign_certificate(&mut self, menu: &'static Menu, command: &Command) -> Result<(), Trap> {
        let (ca, name) = (command.text("ca"), command.text("name"));
        for id in self.selected(menu, command)? {
            if self.credentials.contains_key(&id) {
                return Err(Trap::new("failure: already signed"));
            }
            self.sign(id, ca.as_deref().filter(|ca| !ca.is_empty()))?;
            if let (Some(name), Some(row)) = (&name, self.table("/certificate").find_mut(id)) {
                row.set("name", name.clone());
            }
            self.announce_row(menu, id);
        }
        Ok(())
    }

    /// `/certificate/import`: every certificate of a PEM file, and a key for the first.
    ///
    /// # Errors
    /// When there is no such file or nothing in it.
    pub(crate) fn import_certificates(&mut self, command: &Command) -> Result<(), Trap> {
        let file = command.text("file-name").ok_or_else(|| Trap::missing("file-name"))?;
        let contents = self.named("/file", &file).map(|row| row.values.get("contents").cloned().unwrap_or_default());
        let contents = contents.ok_or_else(|| Trap::no_match("file-name"))?;
        let menu = super::schema::menu("/certificate", self.options.ros).ok_or_else(Trap::no_such_command)?;
        let trusted = command.text("trusted").is_none_or(|word| matches!(word.as_str(), "yes" | "true"));
        let found: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&contents).take(IMPORTED_MAX).filter_map(Result::ok).collect();
        let key = PrivatePkcs8KeyDer::from_pem_slice(&contents).ok();
        if found.is_empty() && key.is_none() {
            return Err(Trap::new("failure: no certificates or keys in file"));
        }
        let name = command.text("name").filter(|name| !name.is_empty());
        for (at, der) in found.iter().enumerate() {
            let credential = Credential { der: der.to_vec(), key: None, params: None };
            let known = self.credentials.values().any(|held| held.der == credential.der);
            if known {
                continue;
            }
            let parsed = x509_parser::parse_x509_certificate(der).map_err(|_| Trap::new("failure: bad certificate"))?.1;
            let common_name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
            let mut row = Row::default();
            let row_name = match (&name, at) {
                (Some(name), 0) => name.clone(),
                (Some(name), at) => format!("{name}_{at}"),
                (None, at) => format!("{file}_{at}"),
            };
            row.set("name", row_name);
            row.set("common-name", common_name.unwrap_or_default());
            row.set("issuer", parsed.issuer().to_string());
            row.set("trusted", super::table::bool_text(trusted));
            let (from, to) = (parsed.validity().not_before.timestamp(), parsed.validity().not_after.timestamp());
            let authority = parsed.is_ca();
            let id = self.insert(menu, row);
            self.describe(id, &credential, authority, from, to);
            self.credentials.insert(id, credential);
        }
        if let (Some(key), Some(first)) = (key, found.first()) {
            let held = self.credentials.iter_mut().find(|(_, held)| held.der == first.as_ref());
            if let Some((id, held)) = held {
                held.key = Some(key.secret_pkcs8_der().to_vec());
                let id = *id;
                if let Some(row) = self.table("/certificate").find_mut(id) {
                    row.set("private-key", "true");
                }
            }
        }
        Ok(())
    }
}
