//! Each mistake in a configuration, and its name.

use super::*;

fn sandbox() -> Config {
    Config::sandbox(SecretString::from("key"), SecretString::from("very-secret"))
}

fn initiator(name: &str, credential: &str) -> Option<Initiator> {
    Some(Initiator { name: name.to_owned(), security_credential: SecretString::from(credential) })
}

fn production() -> Config {
    Config {
        environment: Environment::Production,
        shortcode: "600123".to_owned(),
        passkey: SecretString::from("p4sskey"),
        ..sandbox()
    }
}

#[test]
fn good_ones_pass() {
    assert_eq!(sandbox().validate(), Ok(()));
    assert_eq!(production().validate(), Ok(()));
    let simulator = Config { base_url: Some("http://127.0.0.1:4010/".to_owned()), ..sandbox() };
    assert_eq!(simulator.validate(), Ok(()));
    let till = Config {
        transaction_type: TransactionType::CustomerBuyGoodsOnline,
        till: Some("5123456".to_owned()),
        ..production()
    };
    assert_eq!(till.validate(), Ok(()));
    assert_eq!(Config { initiator: initiator("testapi", "c2VjcmV0"), ..sandbox() }.validate(), Ok(()));
    assert_eq!((till.party_b(), production().party_b()), ("5123456", "600123"));
}

#[test]
fn each_mistake_is_named() {
    let secret = |text: &str| SecretString::from(text);
    let url = |text: &str| Some(text.to_owned());
    let table = [
        (Config { consumer_key: secret(""), ..sandbox() }, ConfigError::Secret(SecretName::ConsumerKey)),
        (Config { consumer_key: secret("a:b"), ..sandbox() }, ConfigError::Secret(SecretName::ConsumerKey)),
        (Config { consumer_secret: secret("a b"), ..sandbox() }, ConfigError::Secret(SecretName::ConsumerSecret)),
        (Config { passkey: secret("x\n"), ..sandbox() }, ConfigError::Secret(SecretName::Passkey)),
        (Config { shortcode: "1234".into(), ..sandbox() }, ConfigError::Shortcode),
        (Config { shortcode: "12345678".into(), ..sandbox() }, ConfigError::Shortcode),
        (Config { shortcode: "17437x".into(), ..sandbox() }, ConfigError::Shortcode),
        (Config { till: Some("123456".into()), ..sandbox() }, ConfigError::TillNotUsed),
        (Config { transaction_type: TransactionType::CustomerBuyGoodsOnline, ..sandbox() }, ConfigError::TillMissing),
        (
            Config {
                transaction_type: TransactionType::CustomerBuyGoodsOnline,
                till: Some("12 34".into()),
                ..sandbox()
            },
            ConfigError::Till,
        ),
        (Config { base_url: url("localhost:4010"), ..sandbox() }, ConfigError::BaseUrl),
        (Config { base_url: url("ftp://host"), ..sandbox() }, ConfigError::BaseUrl),
        (Config { base_url: url("https://user:pw@host"), ..sandbox() }, ConfigError::BaseUrl),
        (Config { base_url: url("https://host?x=1"), ..sandbox() }, ConfigError::BaseUrl),
        (Config { base_url: url("http://127.0.0.1:4010"), ..production() }, ConfigError::InsecureBaseUrl),
        (Config { shortcode: SANDBOX_SHORTCODE.into(), ..production() }, ConfigError::SandboxValue("shortcode")),
        (Config { passkey: secret(SANDBOX_PASSKEY), ..production() }, ConfigError::SandboxValue("passkey")),
        (Config { initiator: initiator("", "c2VjcmV0"), ..sandbox() }, ConfigError::InitiatorName),
        (Config { initiator: initiator("testapi", "Safaricom999!*!"), ..sandbox() }, ConfigError::SecurityCredential),
        (Config { initiator: initiator("testapi", "c2VjcmV0"), ..production() }, ConfigError::SecurityCredential),
        (
            Config { timing: Timing { request_timeout: Duration::ZERO, ..Timing::default() }, ..sandbox() },
            ConfigError::Timeout,
        ),
    ];
    for (config, error) in table {
        assert_eq!(config.validate(), Err(error.clone()), "{config:?}");
        assert!(!error.to_string().contains('\n'));
    }
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", Config { passkey: SecretString::from("p4sskey"), ..sandbox() });
    assert!(!shown.contains("very-secret") && !shown.contains("p4sskey"), "{shown}");
}

#[test]
fn the_resend_after_throttling_keeps_its_distance() {
    let delay = Timing::default().throttled_resend_delay.unwrap();
    assert!((2..=5).contains(&delay.as_secs()), "{delay:?}");
}
