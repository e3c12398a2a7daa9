//! The `MPESA_*` variables, from text to [`MpesaConfig`].

use billing::{CallbackConfirm, CallbackIps};
use secrecy::SecretString;
use url::Url;

use super::{HttpConfig, MpesaConfig, environment::Reader, parse::web_url, table};

/// Published by Safaricom for everyone's tests.
const SANDBOX_PASSKEY: &str = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919";
/// Published by Safaricom for everyone's tests.
const SANDBOX_SHORTCODE: &str = "174379";
/// What the simulator accepts.
const SIMULATOR_CREDENTIAL: &str = "demo";

/// Everything that M-Pesa needs. `http` is where the outside reaches us, if that could be read.
pub(super) fn read(reader: &Reader<'_>, http: Option<&HttpConfig>) -> Option<MpesaConfig> {
    let is_production = reader.parse_with(&table::MPESA_ENV, "sandbox or production", |text| match text {
        "sandbox" => Some(false),
        "production" => Some(true),
        _ => None,
    });
    let base_url = match reader.text(&table::MPESA_BASE_URL) {
        Some(_) => Some(reader.parse_with(&table::MPESA_BASE_URL, "an http or https address", web_url)?),
        None => None,
    };
    let stands_in = match is_production {
        Some(true) => Standin::Nothing,
        _ if base_url.as_ref().is_some_and(is_loopback) => Standin::Simulator,
        _ => Standin::Sandbox,
    };
    let any = |_: &str| true;
    let key = credential(reader, &table::MPESA_CONSUMER_KEY, stands_in.credential(), any);
    let secret = credential(reader, &table::MPESA_CONSUMER_SECRET, stands_in.credential(), any);
    let passkey = credential(reader, &table::MPESA_PASSKEY, stands_in.public(SANDBOX_PASSKEY), any);
    let shortcode =
        credential(reader, &table::MPESA_SHORTCODE, stands_in.public(SANDBOX_SHORTCODE), |text| is_number(text, 5..=7));
    let till = till(reader);
    let callback_url = callback_url(reader, http, is_production == Some(true));
    let callback_ips = match (reader.text(&table::MPESA_CALLBACK_IPS), stands_in) {
        (Some(_), _) => reader.parse_with(&table::MPESA_CALLBACK_IPS, "off, verify or enforce", callback_source),
        (None, Standin::Simulator) => Some(CallbackIps::Off),
        (None, Standin::Sandbox | Standin::Nothing) => Some(CallbackIps::Verify),
    };
    let callback_confirm =
        reader.parse_with(&table::MPESA_CALLBACK_CONFIRM, "suspicious or always", |text| match text {
            "suspicious" => Some(CallbackConfirm::Suspicious),
            "always" => Some(CallbackConfirm::Always),
            _ => None,
        });
    let pull = reader.parse_with(&table::MPESA_PULL, "on or off", |text| match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    });
    let query_grace_secs = reader.parse_with(&table::MPESA_QUERY_GRACE_SECS, "a number from 0 to 3600", |text| {
        text.parse().ok().filter(|secs| *secs <= 3_600)
    });
    let schedule = query_schedule(reader);
    let initiator = initiator(reader);
    Some(MpesaConfig {
        is_production: is_production?,
        base_url,
        consumer_key: key?.into(),
        consumer_secret: secret?.into(),
        shortcode: shortcode?,
        passkey: passkey?.into(),
        till: till?,
        callback_url: callback_url?,
        callback_ips: callback_ips?,
        callback_confirm: callback_confirm?,
        query_grace_secs: query_grace_secs?,
        pull: pull?,
        query_delays_secs: schedule.as_ref().and_then(|(delays, _)| delays.clone()),
        query_per_minute: schedule?.1.unwrap_or(if is_production? { 20 } else { 5 }),
        initiator: initiator?,
    })
}

/// What may stand in for a credential that is not set.
#[derive(Clone, Copy)]
enum Standin {
    Nothing,
    Sandbox,
    Simulator,
}

impl Standin {
    fn credential(self) -> Option<&'static str> {
        match self {
            Self::Simulator => Some(SIMULATOR_CREDENTIAL),
            Self::Sandbox | Self::Nothing => None,
        }
    }

    fn public(self, value: &'static str) -> Option<&'static str> {
        match self {
            Self::Simulator | Self::Sandbox => Some(value),
            Self::Nothing => None,
        }
    }
}

fn credential(
    reader: &Reader<'_>,
    variable: &table::Variable,
    standin: Option<&str>,
    is_valid: impl Fn(&str) -> bool,
) -> Option<String> {
    match (reader.text(variable), standin) {
        (Some(text), _) if is_valid(&text) => Some(text),
        (Some(_), _) => {
            reader.problem(variable, "is not understood", "it should be 5 to 7 digits");
            None
        }
        (None, Some(standin)) => Some(standin.to_owned()),
        (None, None) => {
            let todo = "take it from your app on developer.safaricom.co.ke, or set MPESA_BASE_URL to a simulator";
            reader.problem(variable, "is not set", todo);
            None
        }
    }
}

fn is_number(text: &str, digits: std::ops::RangeInclusive<usize>) -> bool {
    digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The outer option is whether it could be read, the inner one whether payments go to a till.
fn till(reader: &Reader<'_>) -> Option<Option<String>> {
    let expected = "CustomerPayBillOnline or CustomerBuyGoodsOnline";
    let is_till = reader.parse_with(&table::MPESA_TRANSACTION_TYPE, expected, |text| match text {
        "CustomerPayBillOnline" => Some(false),
        "CustomerBuyGoodsOnline" => Some(true),
        _ => None,
    })?;
    let number =
        match reader.text(&table::MPESA_TILL) {
            Some(_) => Some(reader.parse_with(&table::MPESA_TILL, "5 to 8 digits", |text| {
                is_number(text, 5..=8).then(|| text.to_owned())
            })?),
            None => None,
        };
    if is_till && number.is_none() {
        reader.problem(&table::MPESA_TILL, "is not set", "with CustomerBuyGoodsOnline it must be your till number");
        return None;
    }
    Some(number.filter(|_| is_till))
}

fn callback_url(reader: &Reader<'_>, http: Option<&HttpConfig>, is_production: bool) -> Option<String> {
    let url = match reader.text(&table::MPESA_CALLBACK_URL) {
        Some(_) => reader.parse_with(&table::MPESA_CALLBACK_URL, table::MPESA_CALLBACK_URL.example, |text| {
            web_url(text).filter(|url| url.query().is_none() && url.fragment().is_none())
        })?,
        None => http?.public_url.join("api/pay/hook").ok()?,
    };
    if is_production && (url.scheme() != "https" || is_loopback(&url)) {
        let todo = "Safaricom only reports to public https addresses; set it or PUBLIC_URL to yours";
        reader.problem(&table::MPESA_CALLBACK_URL, "cannot work in production", todo);
        return None;
    }
    Some(url.as_str().trim_end_matches('/').to_owned())
}

fn callback_source(text: &str) -> Option<CallbackIps> {
    match text {
        "off" => Some(CallbackIps::Off),
        "verify" => Some(CallbackIps::Verify),
        "enforce" => Some(CallbackIps::Enforce),
        _ => None,
    }
}

/// `MPESA_QUERY_DELAYS` and `MPESA_QUERY_PER_MINUTE`, each if set.
fn query_schedule(reader: &Reader<'_>) -> Option<(Option<Vec<u64>>, Option<u32>)> {
    let delays = match reader.text(&table::MPESA_QUERY_DELAYS) {
        Some(_) => Some(reader.parse_with(
            &table::MPESA_QUERY_DELAYS,
            "1 to 50 numbers of seconds with commas between, such as 25,45,75",
            |text| {
                let delays: Option<Vec<u64>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
                delays.filter(|list| list.len() <= 50 && list.iter().all(|secs| (1..=86_400).contains(secs)))
            },
        )?),
        None => None,
    };
    let per_minute = match reader.text(&table::MPESA_QUERY_PER_MINUTE) {
        Some(_) => Some(reader.parse_with(&table::MPESA_QUERY_PER_MINUTE, "a number from 1 to 6000", |text| {
            text.parse().ok().filter(|number| (1..=6000).contains(number))
        })?),
        None => None,
    };
    Some((delays, per_minute))
}

/// `MPESA_INITIATOR` and `MPESA_SECURITY_CREDENTIAL`: both or none. The outer option is whether they could be read.
fn initiator(reader: &Reader<'_>) -> Option<Option<daraja::Initiator>> {
    let name = reader.text(&table::MPESA_INITIATOR);
    let credential = reader.text(&table::MPESA_SECURITY_CREDENTIAL);
    match (name, credential) {
        (Some(name), Some(credential)) => {
            Some(Some(daraja::Initiator { name, security_credential: SecretString::from(credential) }))
        }
        (None, None) => Some(None),
        (Some(_), None) => {
            let todo = "encrypt the operator's password on the Daraja portal, or remove MPESA_INITIATOR";
            reader.problem(&table::MPESA_SECURITY_CREDENTIAL, "is not set", todo);
            None
        }
        (None, Some(_)) => {
            reader.problem(
                &table::MPESA_INITIATOR,
                "is not set",
                "set the operator's user name, or remove the credential",
            );
            None
        }
    }
}
