//! The address Safaricom reports to.

use std::time::Duration;

use daraja::{CallbackUrl, InvalidCallbackUrl};
use url::Url;

use super::Check;
use crate::config::Config;

const SUBJECT: &str = "callback";
const PATIENCE: Duration = Duration::from_secs(10);

/// Its form, its words, and whether it leads here.
pub(super) async fn examine(config: &Config) -> Vec<Check> {
    let url = &config.mpesa.callback_url;
    let with_token = format!("{url}/{}", "0".repeat(64));
    if let Err(error) = CallbackUrl::stk(&with_token, config.mpesa.environment()) {
        return vec![Check::problem(SUBJECT, error.to_string(), "correct MPESA_CALLBACK_URL or PUBLIC_URL")];
    }
    let mut checks = vec![reach(config, url).await];
    if let Err(InvalidCallbackUrl::ForbiddenWord(word)) = CallbackUrl::c2b(&with_token, config.mpesa.environment()) {
        let message = format!("the address has the word {word} in it, which Safaricom refuses for some products");
        checks.push(Check::hint(SUBJECT, message, "prefer an address that ends in /api/pay/hook"));
    }
    checks
}

/// Asks for `/healthz` on the host of the callback address: what answers should be this program.
async fn reach(config: &Config, callback_url: &str) -> Check {
    let is_needed = config.mpesa.is_production;
    let trouble = |message: String, todo: &str| match is_needed {
        true => Check::problem(SUBJECT, message, todo),
        false => Check::hint(SUBJECT, message, todo),
    };
    let todo = "start the server (bando serve) and see that this address leads to it from outside; payments are still found by asking M-Pesa, later";
    let Some(health) = Url::parse(callback_url).ok().and_then(|url| url.join("/healthz").ok()) else {
        return trouble("the address cannot be read".to_owned(), "correct MPESA_CALLBACK_URL");
    };
    let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build();
    let answer = match client {
        Ok(client) => client.get(health.clone()).send().await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) if answer.status().is_success() => {
            let is_ours =
                answer.bytes().await.is_ok_and(|body| body.len() < 1000 && body.starts_with(b"{\"status\":\"ok\""));
            if is_ours {
                Check::ok(SUBJECT, format!("{callback_url} leads here"))
            } else {
                trouble(format!("{health} is answered by something else"), "point the address at this server")
            }
        }
        Ok(answer) => trouble(format!("{health} answers {}", answer.status().as_u16()), todo),
        Err(error) if error.is_timeout() => trouble(format!("{health} does not answer within 10 seconds"), todo),
        Err(_) => trouble(format!("{health} cannot be reached"), todo),
    }
}
