//! What is accepted, what is refused and with which words.

use super::*;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    let base = [
        ("DATABASE_URL", "mysql://u:p@127.0.0.1/db"),
        ("APP_SECRET", "0123456789abcdef0123456789abcdef"),
        ("MPESA_BASE_URL", "http://127.0.0.1:4010"),
    ];
    let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    Environment::merge(base.iter().chain(pairs).map(own).collect::<Vec<_>>(), [])
}

fn lines(pairs: &[(&str, &str)]) -> String {
    Config::parse(&environment(pairs)).map(|_| String::new()).unwrap_or_else(|error| error.to_string())
}

#[test]
fn development_needs_little() {
    let config = Config::parse(&environment(&[])).unwrap();
    assert_eq!(config.http.port, 8080);
    assert_eq!(config.http.public_url.as_str(), "http://127.0.0.1:8080/");
    assert_eq!(config.mpesa.callback_url, "http://127.0.0.1:8080/api/pay/hook");
    assert_eq!(config.mpesa.shortcode, "174379");
    assert!(config.first_owner.is_none() && config.first_router.is_none());
}

#[test]
fn every_variable_of_the_table_is_read_and_no_other() {
    let expected: std::collections::BTreeSet<_> = table::names().collect();
    assert_eq!(Config::names_read(&environment(&[("MIKROTIK_HOST", "r"), ("ADMIN_PASSWORD", "x")])), expected);
}

#[test]
fn each_problem_is_one_line_that_names_the_variable() {
    let cases: &[(&str, &str, &str)] = &[
        ("PORT", "http", "PORT is not understood: it should be a number from 0 to 65535"),
        ("HOST", "wifi", "HOST is not understood: it should be an address such as 127.0.0.1 or 0.0.0.0"),
        ("APP_SECRET", "short", "APP_SECRET is shorter than 32 characters: make one with: openssl rand -hex 32"),
        (
            "APP_SECRET",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "APP_SECRET repeats the same few characters: make one with: openssl rand -hex 32",
        ),
        (
            "DATABASE_URL",
            "postgres://x/y",
            "DATABASE_URL is not understood: it should be such as mysql://bando:password@127.0.0.1:3306/bando",
        ),
        ("MPESA_ENV", "live", "MPESA_ENV is not understood: it should be sandbox or production"),
        ("MPESA_SHORTCODE", "12", "MPESA_SHORTCODE is not understood: it should be 5 to 7 digits"),
        ("MPESA_CALLBACK_IPS", "yes", "MPESA_CALLBACK_IPS is not understood: it should be off, verify or enforce"),
        (
            "MPESA_QUERY_DELAYS",
            "1,,2",
            "MPESA_QUERY_DELAYS is not understood: it should be 1 to 50 numbers of seconds with commas between, such as 25,45,75",
        ),
        (
            "MIKROTIK_TLS",
            "pin:12",
            "MIKROTIK_TLS is not understood: it should be off, or pin: and 64 hexadecimal digits",
        ),
        ("MIKROTIK_HOST", "10.0.0.1", "MIKROTIK_PASSWORD is not set: it is needed because MIKROTIK_HOST is set"),
        ("ADMIN_PASSWORD", "1234567", "ADMIN_PASSWORD is too short: choose at least 10 characters"),
        (
            "TRUSTED_PROXIES",
            "proxy",
            "TRUSTED_PROXIES is not understood: it should be addresses or networks with commas between, such as 127.0.0.1,10.0.0.0/8",
        ),
        (
            "PUBLIC_URL",
            "https://user:pw@x/",
            "PUBLIC_URL is not understood: it should be an address without a path, such as https://wifi.example.co.ke",
        ),
        (
            "MPESA_TRANSACTION_TYPE",
            "CustomerBuyGoodsOnline",
            "MPESA_TILL is not set: with CustomerBuyGoodsOnline it must be your till number",
        ),
        ("MPESA_CONSUMERKEY", "x", "MPESA_CONSUMERKEY is not a setting of Bando: did you mean MPESA_CONSUMER_KEY?"),
    ];
    for (name, value, expected) in cases {
        assert_eq!(lines(&[(name, value)]), *expected, "{name}={value}");
    }
}

#[test]
fn all_problems_come_at_once() {
    assert_eq!(lines(&[("PORT", "x"), ("MPESA_ENV", "x"), ("LOG_FORMAT", "x")]).lines().count(), 3);
}

#[test]
fn production_wants_everything_and_https() {
    let text = lines(&[("MPESA_ENV", "production")]);
    for name in
        ["MPESA_CONSUMER_KEY", "MPESA_CONSUMER_SECRET", "MPESA_PASSKEY", "MPESA_SHORTCODE", "MPESA_CALLBACK_URL"]
    {
        assert!(text.contains(name), "{name} missing in:\n{text}");
    }
}

#[test]
fn an_initiator_needs_its_credential_and_the_other_way_round() {
    assert!(lines(&[("MPESA_INITIATOR", "bandoapi")]).contains("MPESA_SECURITY_CREDENTIAL is not set"));
    assert!(lines(&[("MPESA_SECURITY_CREDENTIAL", "c2VjcmV0")]).contains("MPESA_INITIATOR is not set"));
    let both = [("MPESA_INITIATOR", "bandoapi"), ("MPESA_SECURITY_CREDENTIAL", "c2VjcmV0"), ("PAY_PER_ADDRESS", "900")];
    let config = Config::parse(&environment(&both)).unwrap();
    assert_eq!((config.mpesa.initiator.unwrap().name.as_str(), config.pay_limits.per_address), ("bandoapi", 900));
    assert!(lines(&[("PAY_PER_SECOND", "0")]).contains("PAY_PER_SECOND is not understood"));
}

#[test]
fn misspelt_names_in_the_file_stop_the_start_and_other_programs_names_do_not() {
    let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
    let parse = |file: Vec<(String, String)>| {
        let required = [
            pair("DATABASE_URL", "mysql://u:p@127.0.0.1/db"),
            pair("APP_SECRET", "0123456789abcdef0123456789abcdef"),
            pair("MPESA_BASE_URL", "http://127.0.0.1:4010"),
            pair("HOME", "/root"),
        ];
        Config::parse(&Environment::merge(required, file))
    };
    assert_eq!(
        parse(vec![pair("PROT", "1")]).unwrap_err().to_string(),
        "PROT is not a setting of Bando: did you mean PORT?"
    );
    assert!(parse(vec![pair("JWT_SECRET", "1")]).unwrap_err().to_string().contains("APP_SECRET"));
    assert_eq!(
        parse(vec![pair("BANDO_COLOUR", "1")]).unwrap_err().to_string(),
        "BANDO_COLOUR is not a setting of Bando: remove it; `bando config sample` lists all settings"
    );
    assert!(parse(vec![pair("SQLX_OFFLINE", "true")]).is_ok());
    assert_eq!(parse(vec![pair("PORT", "81")]).unwrap().http.port, 81);
}

#[test]
fn secrets_do_not_print() {
    let config =
        Config::parse(&environment(&[("ADMIN_PASSWORD", "hunter2hunter2"), ("MPESA_CONSUMER_SECRET", "topsecret")]));
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("topsecret") && !shown.contains("u:p@"));
}

#[test]
fn the_sample_in_the_repository_is_the_one_printed() {
    let committed = include_str!("../../../.env.sample");
    assert_eq!(committed, table::sample(), "renew it with: bando config sample > .env.sample");
}
