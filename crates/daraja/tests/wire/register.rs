//! Registering the C2B addresses.

use daraja::{
    CallbackUrl, Environment,
    c2b::{RegisterOutcome, RegisterUrls, ResponseType},
};

use crate::daraja_stand_in::{Daraja, OAUTH, REGISTER};

fn urls() -> RegisterUrls {
    let url = |text| CallbackUrl::c2b(text, Environment::Production).unwrap();
    RegisterUrls {
        confirmation_url: url("https://wifi.example.co.ke/api/pay/c2b/confirm/5f0c"),
        validation_url: url("https://wifi.example.co.ke/api/pay/c2b/validate/5f0c"),
        response_type: ResponseType::Completed,
    }
}

#[tokio::test]
async fn addresses_are_registered_as_documented_and_once_only() {
    let daraja = Daraja::start().await;
    daraja
        .then(REGISTER, 200, r#"{ "OriginatorCoversationID": "6e86-45dd-91ac-fd5d4178ab523408729", "ResponseCode": "0", "ResponseDescription": "Success" }"#)
        .then(REGISTER, 500, r#"{"requestId":"1","errorCode":"500.003.1001","errorMessage":"Urls are already registered"}"#);
    let client = daraja.client();
    let reply = client.register_c2b_urls(&urls()).await;
    let id = Some("6e86-45dd-91ac-fd5d4178ab523408729".to_owned());
    assert_eq!(reply.outcome, RegisterOutcome::Registered { originator_conversation_id: id });
    let sent: serde_json::Value = serde_json::from_str(&daraja.seen(REGISTER)[0].body).unwrap();
    let expected: serde_json::Value = serde_json::from_str(
        r#"{"ShortCode":"174379","ResponseType":"Completed","ConfirmationURL":"https://wifi.example.co.ke/api/pay/c2b/confirm/5f0c","ValidationURL":"https://wifi.example.co.ke/api/pay/c2b/validate/5f0c"}"#,
    )
    .unwrap();
    assert_eq!(sent, expected);
    assert_eq!(client.register_c2b_urls(&urls()).await.outcome, RegisterOutcome::AlreadyRegistered);
}

#[tokio::test]
async fn the_token_error_of_c2b_is_renewed_too() {
    let daraja = Daraja::start().await;
    daraja.then(REGISTER, 400, r#"{"errorCode":"400.003.01","errorMessage":"Invalid Access Token"}"#);
    daraja.then(REGISTER, 200, r#"{"ResponseCode":"0"}"#);
    let outcome = daraja.client().register_c2b_urls(&urls()).await.outcome;
    assert_eq!(outcome, RegisterOutcome::Registered { originator_conversation_id: None });
    assert_eq!((daraja.count(OAUTH), daraja.count(REGISTER)), (2, 2));
}
