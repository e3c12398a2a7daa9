//! The access token: fetched once for everybody, renewed when refused, never hammered.

use std::time::Duration;

use daraja::{CredentialsError, PushOutcome, RefusalClass};
use futures::future::join_all;

use crate::daraja_stand_in::{BAD_TOKEN, Daraja, OAUTH, PUSH, QUERY, SPIKE, checkout_request_id, request};

#[tokio::test]
async fn the_token_is_asked_for_as_documented() {
    let daraja = Daraja::start().await;
    daraja.client().check_credentials().await.unwrap();
    let seen = &daraja.seen(OAUTH)[0];
    assert_eq!(seen.query, "grant_type=client_credentials");
    // base64("key:secret")
    assert_eq!(seen.header("authorization"), "Basic a2V5OnNlY3JldA==");
    assert_eq!(seen.header("accept"), "application/json");
    assert_eq!(seen.body, "");
}

#[tokio::test]
async fn many_pushes_at_once_share_one_token() {
    let daraja = Daraja::start().await;
    let (client, request) = (daraja.client(), request());
    let replies = join_all((0..20).map(|_| client.push(&request))).await;
    assert!(replies.iter().all(|reply| matches!(reply.outcome, PushOutcome::Accepted { .. })), "{replies:?}");
    assert_eq!((daraja.count(OAUTH), daraja.count(PUSH)), (1, 20));
}

#[tokio::test]
async fn a_refusal_is_shared_by_those_who_waited_and_asked_again_by_those_who_come_later() {
    let daraja = Daraja::start().await;
    daraja.then(OAUTH, 400, "");
    let (client, request) = (daraja.client(), request());
    let replies = join_all((0..20).map(|_| client.push(&request))).await;
    for reply in replies {
        let PushOutcome::Refused(refusal) = &reply.outcome else { panic!("{reply:?}") };
        assert_eq!(refusal.class, RefusalClass::Configuration);
        assert!(refusal.message.contains("consumer key"), "{}", refusal.message);
        assert!(!reply.outcome.was_possibly_sent());
    }
    assert_eq!((daraja.count(OAUTH), daraja.count(PUSH)), (1, 0));
    assert!(matches!(client.push(&request).await.outcome, PushOutcome::Accepted { .. }));
}

#[tokio::test]
async fn trouble_at_the_gateway_is_tried_three_times() {
    for (status, body) in [(503, "<html>maintenance</html>"), (500, ""), (429, SPIKE), (200, "<html></html>")] {
        let daraja = Daraja::start().await;
        daraja.then(OAUTH, status, body).then(OAUTH, status, body);
        assert_eq!(daraja.client().check_credentials().await, Ok(()), "{status}");
        assert_eq!(daraja.count(OAUTH), 3);
        daraja.then(OAUTH, status, body).then(OAUTH, status, body).then(OAUTH, status, body);
        let error = daraja.client().check_credentials().await.unwrap_err();
        assert!(!error.is_configuration(), "{error:?}");
        assert_eq!(daraja.count(OAUTH), 6, "{status}");
    }
}

#[tokio::test]
async fn a_push_without_a_token_is_provably_not_sent() {
    for (status, class) in [(503, RefusalClass::Unreachable), (429, RefusalClass::Throttled { retry_after_secs: 12 })] {
        let daraja = Daraja::start().await;
        for _ in 0..3 {
            daraja.then(OAUTH, status, "");
        }
        let reply = daraja.client().push(&request()).await;
        assert!(matches!(&reply.outcome, PushOutcome::Refused(refusal) if refusal.class == class), "{reply:?}");
        assert!(reply.outcome.retry_after().is_some());
        assert_eq!((daraja.count(OAUTH), daraja.count(PUSH)), (3, 0));
    }
}

#[tokio::test]
async fn wrong_keys_are_said_in_words_and_not_tried_again() {
    let product = r#"{"fault":{"faultstring":"Invalid API call as no apiproduct match found","detail":{"errorcode":"keymanagement.service.InvalidAPICallAsNoApiProductMatchFound"}}}"#;
    let invalid = r#"{"requestId":"1","errorCode":"400.008.01","errorMessage":"Invalid Authentication passed"}"#;
    for (status, body, words) in [
        (400, "", "consumer key and secret"),
        (401, "", "consumer key and secret"),
        (400, invalid, "consumer key and secret"),
        (401, product, "lacks the M-Pesa product"),
        (404, "<html>", "base URL is wrong"),
        (302, "", "base URL is wrong"),
    ] {
        let daraja = Daraja::start().await;
        daraja.then(OAUTH, status, body);
        let error = daraja.client().check_credentials().await.unwrap_err();
        assert!(error.is_configuration() && error.to_string().contains(words), "{status} {body}: {error}");
        assert_eq!(daraja.count(OAUTH), 1);
    }
}

#[tokio::test]
async fn nothing_at_the_address_is_said_in_words() {
    let daraja = Daraja::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = crate::daraja_stand_in::config(&format!("http://{}", listener.local_addr().unwrap()));
    config.consumer_key = "never-shown".into();
    drop(listener);
    let client = daraja::Client::new(config, std::sync::Arc::new(crate::daraja_stand_in::Morning)).unwrap();
    assert_eq!(client.check_credentials().await, Err(CredentialsError::Unreachable));
    assert!(!format!("{client:?}").contains("never-shown"));
    drop(daraja);
}

#[tokio::test]
async fn a_token_is_renewed_five_minutes_before_it_ends() {
    let daraja = Daraja::start().await;
    let (client, id) = (daraja.client(), checkout_request_id());
    client.query(&id).await;
    pass(Duration::from_secs(3290)).await;
    client.query(&id).await;
    assert_eq!(daraja.count(OAUTH), 1);
    pass(Duration::from_secs(10)).await;
    client.query(&id).await;
    assert_eq!((daraja.count(OAUTH), daraja.count(QUERY)), (2, 3));
}

/// Lets time pass while nothing is under way.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_token_revoked_meanwhile_is_renewed_once_for_everybody() {
    let daraja = Daraja::start().await;
    let (client, request) = (daraja.client(), request());
    client.check_credentials().await.unwrap();
    daraja.revoke_tokens();
    let replies = join_all((0..10).map(|_| client.push(&request))).await;
    assert!(replies.iter().all(|reply| matches!(reply.outcome, PushOutcome::Accepted { .. })), "{replies:?}");
    assert_eq!((daraja.count(OAUTH), daraja.count(PUSH)), (2, 20));
    let last = daraja.seen(PUSH).pop().unwrap();
    assert_eq!(last.header("authorization"), "Bearer token-2");
}

#[tokio::test]
async fn a_token_refused_three_times_is_a_matter_of_configuration() {
    let bad = [
        (404, BAD_TOKEN),
        (401, r#"{"errorCode":"401.002.01","errorMessage":"Error Occurred - Invalid Access Token - token-1"}"#),
        (400, r#"{"errorCode":"400.003.01","errorMessage":"Invalid Access Token"}"#),
        (
            401,
            r#"{"fault":{"faultstring":"Invalid Access Token","detail":{"errorcode":"keymanagement.service.invalid_access_token"}}}"#,
        ),
    ];
    for (status, body) in bad {
        let daraja = Daraja::start().await;
        daraja.then(PUSH, status, body).then(PUSH, status, body).then(PUSH, status, body);
        let reply = daraja.client().push(&request()).await;
        let PushOutcome::Refused(refusal) = &reply.outcome else { panic!("{reply:?}") };
        assert_eq!(refusal.class, RefusalClass::Configuration);
        assert!(refusal.owner_advice().is_some());
        assert_eq!((reply.http_status, &reply.raw[..]), (Some(status), body.as_bytes()));
        assert_eq!((daraja.count(OAUTH), daraja.count(PUSH)), (3, 3), "{body}");
    }
}
