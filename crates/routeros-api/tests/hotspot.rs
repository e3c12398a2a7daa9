//! The hotspot operations against a router played by hand: which sentences they send, and what they make
//! of the answers.
#![expect(clippy::expect_used, reason = "tests")]

mod support;

use std::{future::Future, time::Duration};

use domain::MacAddr;
use routeros_api::{
    Connection, Hotspot, HotspotRefusal, RouterOsError, TrapKind,
    hotspot::{Active, DeviceState, Ensured, Host, LoginOutcome, ProfileSpec, Removal, User, UserSpec},
    value::RateLimit,
};
use support::{Router, credentials, settings};
use tokio::io::{DuplexStream, duplex};

const MAC: &str = "A4:CF:12:00:00:01";
const USER_FIELDS: &str =
    "=.proplist=.id,name,mac-address,profile,limit-uptime,limit-bytes-total,uptime,bytes-in,bytes-out,comment,disabled";
const ACTIVE_FIELDS: &str = "=.proplist=.id,user,mac-address,address,uptime,session-time-left,bytes-in,bytes-out";
const PROFILE_FIELDS: &str = "=.proplist=.id,name,rate-limit,shared-users,add-mac-cookie";

fn mac() -> MacAddr {
    MAC.parse().expect("a MAC")
}

async fn pair() -> (Hotspot, Router<DuplexStream>) {
    let (ours, theirs) = duplex(4096);
    let mut router = Router::new(theirs);
    let login = credentials();
    let (connection, ()) = tokio::join!(Connection::over(ours, &login, settings()), router.accept_login());
    (Hotspot::new(connection.expect("logs in"), "bando1;"), router)
}

/// Runs an operation against what the router expects and answers, in order.
async fn play<T>(
    mut router: Router<DuplexStream>,
    operation: impl Future<Output = T>,
    script: &[(&[&str], &[&[&str]])],
) -> T {
    let playing = async {
        for (expected, answers) in script {
            let tag = router.expect(expected).await;
            for answer in *answers {
                let mut words = vec![answer[0], tag.as_str()];
                words.extend(&answer[1..]);
                router.send(&[&words]).await;
            }
        }
        router
    };
    let (result, _router) = tokio::join!(operation, playing);
    result
}

fn spec() -> UserSpec {
    UserSpec {
        mac: mac(),
        profile: "bando-p3-v1".into(),
        limit_uptime: Duration::from_secs(3600),
        limit_bytes_total: Some(1_073_741_824),
        comment: "bando1;g=812;e=1795324800".into(),
    }
}

fn known(comment: &str, limit_secs: u64) -> User {
    User {
        id: "*2F".into(),
        name: MAC.into(),
        mac: Some(mac()),
        profile: "bando-p3-v1".into(),
        limit_uptime: Some(Duration::from_secs(limit_secs)),
        limit_bytes_total: Some(1_073_741_824),
        uptime: Duration::ZERO,
        bytes_in: 0,
        bytes_out: 0,
        comment: comment.into(),
        is_disabled: false,
    }
}

const ADD: &[&str] = &[
    "/ip/hotspot/user/add",
    "=name=A4:CF:12:00:00:01",
    "=password=",
    "=mac-address=A4:CF:12:00:00:01",
    "=profile=bando-p3-v1",
    "=limit-uptime=1h",
    "=limit-bytes-total=1073741824",
    "=comment=bando1;g=812;e=1795324800",
];
const SET: &[&str] = &[
    "/ip/hotspot/user/set",
    "=.id=*2F",
    "=mac-address=A4:CF:12:00:00:01",
    "=profile=bando-p3-v1",
    "=limit-uptime=1h",
    "=limit-bytes-total=1073741824",
    "=comment=bando1;g=812;e=1795324800",
    "=disabled=no",
];
const PRINT_USER: &[&str] = &["/ip/hotspot/user/print", USER_FIELDS, "?name=A4:CF:12:00:00:01"];
const DUPLICATE: &[&[&str]] =
    &[&["!trap", "=message=failure: already have user with this name for this server"], &["!done"]];

#[tokio::test]
async fn a_user_is_added_once() {
    let (hotspot, router) = pair().await;
    let result = play(router, hotspot.ensure_user(&spec(), None), &[(ADD, &[&["!done", "=ret=*2F"]])]).await;
    assert_eq!(result, Ok(Ensured::Added));
}

#[tokio::test]
async fn a_user_that_is_right_costs_nothing_and_a_wrong_one_is_corrected() {
    let (hotspot, router) = pair().await;
    let right = known("bando1;g=812;e=1795324800", 3600);
    assert_eq!(hotspot.ensure_user(&spec(), Some(&right)).await, Ok(Ensured::Unchanged));
    let short = known("bando1;g=812;e=1795324800", 60);
    let result = play(router, hotspot.ensure_user(&spec(), Some(&short)), &[(SET, &[&["!done"]])]).await;
    assert_eq!(result, Ok(Ensured::Changed));
}

#[tokio::test]
async fn after_a_duplicate_the_row_is_read_and_corrected() {
    let (hotspot, router) = pair().await;
    let row: &[&str] =
        &["!re", "=.id=*2F", "=name=A4:CF:12:00:00:01", "=limit-uptime=5m", "=comment=bando1;g=1;e=1795324000"];
    let script: &[(&[&str], &[&[&str]])] = &[(ADD, DUPLICATE), (PRINT_USER, &[row, &["!done"]]), (SET, &[&["!done"]])];
    assert_eq!(play(router, hotspot.ensure_user(&spec(), None), script).await, Ok(Ensured::Changed));
}

#[tokio::test]
async fn a_stale_id_leads_to_adding_again() {
    let (hotspot, router) = pair().await;
    let stale = known("bando1;g=812;e=1795324800", 60);
    let script: &[(&[&str], &[&[&str]])] =
        &[(SET, &[&["!trap", "=message=no such item"], &["!done"]]), (ADD, &[&["!done", "=ret=*30"]])];
    assert_eq!(play(router, hotspot.ensure_user(&spec(), Some(&stale)), script).await, Ok(Ensured::Added));
}

#[tokio::test]
async fn somebody_elses_row_is_left_alone() {
    let refused = Err(RouterOsError::NotOurs { name: MAC.into() });
    let (hotspot, router) = pair().await;
    assert_eq!(hotspot.ensure_user(&spec(), Some(&known("by hand", 60))).await, refused);
    let row: &[&str] = &["!re", "=.id=*9", "=name=A4:CF:12:00:00:01", "=comment=by hand"];
    let script: &[(&[&str], &[&[&str]])] = &[(ADD, DUPLICATE), (PRINT_USER, &[row, &["!done"]])];
    assert_eq!(play(router, hotspot.ensure_user(&spec(), None), script).await, refused);
    let (hotspot, router) = pair().await;
    let script: &[(&[&str], &[&[&str]])] = &[(PRINT_USER, &[row, &["!done"]])];
    let removed = play(router, hotspot.remove_user(mac(), None), script).await;
    assert_eq!(removed, Err(RouterOsError::NotOurs { name: MAC.into() }));
}

#[tokio::test]
async fn a_removal_goes_user_login_cookie_and_takes_missing_rows_for_removed() {
    let (hotspot, router) = pair().await;
    let gone: &[&[&str]] = &[&["!trap", "=message=no such item (4)"], &["!done"]];
    let script: &[(&[&str], &[&[&str]])] = &[
        (
            PRINT_USER,
            &[&["!re", "=.id=*2F", "=name=A4:CF:12:00:00:01", "=comment=bando1;g=1;e=1795324800"], &["!done"]],
        ),
        (&["/ip/hotspot/user/remove", "=.id=*2F"], gone),
        (
            &["/ip/hotspot/active/print", ACTIVE_FIELDS, "?user=A4:CF:12:00:00:01"],
            &[&["!re", "=.id=*A053217", "=user=A4:CF:12:00:00:01"], &["!done"]],
        ),
        (
            &["/ip/hotspot/cookie/print", "=.proplist=.id,user,mac-address", "?user=A4:CF:12:00:00:01"],
            &[&["!empty"], &["!done"]],
        ),
        (&["/ip/hotspot/active/remove", "=.id=*A053217"], &[&["!done"]]),
    ];
    let removal = play(router, hotspot.remove_user(mac(), None), script).await;
    assert_eq!(removal, Ok(Removal { users: 1, logins: 1, cookies: 0 }));
}

#[tokio::test]
async fn a_profile_has_the_upload_first_and_is_corrected_when_somebody_changed_it() {
    let spec = ProfileSpec {
        name: "bando-p3-v1".into(),
        rate_limit: Some(RateLimit { upload_bps: 512_000, download_bps: 2_000_000 }),
    };
    let print: &[&str] = &["/ip/hotspot/user/profile/print", PROFILE_FIELDS, "?name=bando-p3-v1"];
    let content = [
        "=rate-limit=512k/2M",
        "=shared-users=2",
        "=add-mac-cookie=no",
        "=transparent-proxy=no",
        "=idle-timeout=none",
        "=keepalive-timeout=2m",
        "=session-timeout=0s",
        "=open-status-page=http-login",
    ];
    let add = [&["/ip/hotspot/user/profile/add", "=name=bando-p3-v1"][..], &content].concat();
    let set = [&["/ip/hotspot/user/profile/set", "=.id=*3"][..], &content].concat();
    let row =
        |rate: &'static str| ["!re", "=.id=*3", "=name=bando-p3-v1", rate, "=shared-users=2", "=add-mac-cookie=false"];

    let (hotspot, router) = pair().await;
    let added = play(router, hotspot.ensure_profile(&spec), &[(print, &[&["!done"]]), (&add, &[&["!done"]])]).await;
    assert_eq!(added, Ok(Ensured::Added));

    let (hotspot, router) = pair().await;
    let same = row("=rate-limit=512000/2000000");
    let unchanged = play(router, hotspot.ensure_profile(&spec), &[(print, &[&same, &["!done"]])]).await;
    assert_eq!(unchanged, Ok(Ensured::Unchanged));

    let (hotspot, router) = pair().await;
    let swapped = row("=rate-limit=2M/512k");
    let script: &[(&[&str], &[&[&str]])] = &[(print, &[&swapped, &["!done"]]), (&set, &[&["!done"]])];
    assert_eq!(play(router, hotspot.ensure_profile(&spec), script).await, Ok(Ensured::Changed));

    // An unknown text for a duplicate: the list decides.
    let (hotspot, router) = pair().await;
    let odd: &[&[&str]] = &[&["!trap", "=message=failure: nope"], &["!done"]];
    let script: &[(&[&str], &[&[&str]])] = &[(print, &[&["!done"]]), (&add, odd), (print, &[&same, &["!done"]])];
    assert_eq!(play(router, hotspot.ensure_profile(&spec), script).await, Ok(Ensured::Unchanged));
}

fn at_portal() -> DeviceState {
    let host = Host {
        id: "*7".into(),
        mac: Some(mac()),
        address: "10.5.50.23".into(),
        to_address: "10.5.50.23".into(),
        is_authorized: false,
        is_bypassed: false,
    };
    DeviceState { users: Vec::new(), active: Vec::new(), hosts: vec![host] }
}

const LOGIN: &[&str] = &[
    "/ip/hotspot/active/login",
    "=user=A4:CF:12:00:00:01",
    "=password=",
    "=mac-address=A4:CF:12:00:00:01",
    "=ip=10.5.50.23",
];

#[tokio::test]
async fn a_login_is_proved_by_the_routers_own_list() {
    let verify: &[&str] = &["/ip/hotspot/active/print", ACTIVE_FIELDS, "?mac-address=A4:CF:12:00:00:01"];
    let row: &[&str] = &[
        "!re",
        "=.id=*A053217",
        "=user=A4:CF:12:00:00:01",
        "=mac-address=A4:CF:12:00:00:01",
        "=address=10.5.50.23",
        "=uptime=2s",
        "=session-time-left=59m58s",
    ];
    let (hotspot, router) = pair().await;
    let script: &[(&[&str], &[&[&str]])] = &[(LOGIN, &[&["!done"]]), (verify, &[row, &["!done"]])];
    let state = at_portal();
    let outcome = play(router, hotspot.login_active(mac(), &state, false), script).await.unwrap();
    let LoginOutcome::Online(active) = outcome else { panic!("{outcome:?}") };
    assert_eq!(active.session_time_left, Some(Duration::from_secs(3598)));

    // Said done, but not in the list: not online.
    let (hotspot, router) = pair().await;
    let script: &[(&[&str], &[&[&str]])] = &[(LOGIN, &[&["!done"]]), (verify, &[&["!done"]])];
    let outcome = play(router, hotspot.login_active(mac(), &state, false), script).await;
    assert_eq!(outcome, Ok(LoginOutcome::ReadyReconnect));
}

#[tokio::test]
async fn a_renewed_device_is_logged_out_first_and_an_unchanged_one_left_alone() {
    let row: &[&str] =
        &["!re", "=.id=*9", "=user=A4:CF:12:00:00:01", "=mac-address=A4:CF:12:00:00:01", "=address=10.5.50.23"];
    let active = Active {
        id: "*9".into(),
        user: MAC.into(),
        mac: Some(mac()),
        address: "10.5.50.23".into(),
        uptime: Duration::ZERO,
        session_time_left: None,
        bytes_in: 0,
        bytes_out: 0,
    };
    let state = DeviceState { active: vec![active.clone()], ..at_portal() };
    let (hotspot, router) = pair().await;
    assert_eq!(hotspot.login_active(mac(), &state, false).await, Ok(LoginOutcome::Online(active)));
    let verify: &[&str] = &["/ip/hotspot/active/print", ACTIVE_FIELDS, "?mac-address=A4:CF:12:00:00:01"];
    let script: &[(&[&str], &[&[&str]])] = &[
        (&["/ip/hotspot/active/remove", "=.id=*9"], &[&["!done"]]),
        (LOGIN, &[&["!done"]]),
        (verify, &[row, &["!done"]]),
    ];
    let outcome = play(router, hotspot.login_active(mac(), &state, true), script).await;
    assert!(matches!(outcome, Ok(LoginOutcome::Online(_))));
}

#[tokio::test]
async fn refused_logins_are_told_apart() {
    let state = at_portal();
    for (text, expected) in [
        ("=message=unknown host IP 10.5.50.23", Ok(LoginOutcome::ReadyReconnect)),
        ("=message=user X has reached uptime limit", Err(HotspotRefusal::UptimeLimit)),
        ("=message=session limit reached (200)", Err(HotspotRefusal::LicenceLimit)),
        ("=message=no more free addresses from pool", Err(HotspotRefusal::NoFreeAddress)),
    ] {
        let (hotspot, router) = pair().await;
        let refusal: &[&[&str]] = &[&["!trap", text], &["!done"]];
        let outcome = play(router, hotspot.login_active(mac(), &state, false), &[(LOGIN, refusal)]).await;
        assert_eq!(outcome.map_err(|error| error.refusal().expect("a refusal")), expected, "{text}");
    }
    // Refused, but on all the same: the router had let the device in by itself.
    let verify: &[&str] = &["/ip/hotspot/active/print", ACTIVE_FIELDS, "?mac-address=A4:CF:12:00:00:01"];
    let row: &[&str] = &["!re", "=.id=*9", "=user=A4:CF:12:00:00:01", "=address=10.5.50.23"];
    let (hotspot, router) = pair().await;
    let refusal: &[&[&str]] = &[&["!trap", "=message=no more sessions are allowed for user X"], &["!done"]];
    let script: &[(&[&str], &[&[&str]])] = &[(LOGIN, refusal), (verify, &[row, &["!done"]])];
    let outcome = play(router, hotspot.login_active(mac(), &state, false), script).await;
    assert!(matches!(outcome, Ok(LoginOutcome::Online(_))), "{outcome:?}");

    let (hotspot, router) = pair().await;
    let script: &[(&[&str], &[&[&str]])] = &[
        (LOGIN, &[&["!trap", "=message=wrong MAC provided"], &["!done"]]),
        (verify, &[&["!done"]]),
        (&["/ip/hotspot/host/remove", "=.id=*7"], &[&["!done"]]),
    ];
    let outcome = play(router, hotspot.login_active(mac(), &state, false), script).await;
    let Ok(LoginOutcome::HostCleared { refusal }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(refusal.refusal(), Some(HotspotRefusal::WrongMac));
    let (hotspot, router) = pair().await;
    let script: &[(&[&str], &[&[&str]])] =
        &[(LOGIN, &[&["!trap", "=message=already authorizing, retry later"], &["!done"]]), (verify, &[&["!done"]])];
    let outcome = play(router, hotspot.login_active(mac(), &state, false), script).await;
    assert_eq!(outcome.map_err(|error| error.trap_kind().cloned()), Err(Some(TrapKind::Busy)));
}

#[tokio::test]
async fn an_absent_or_bypassed_device_needs_no_login() {
    let (hotspot, _router) = pair().await;
    let outcome = hotspot.login_active(mac(), &DeviceState::default(), false).await;
    assert_eq!(outcome, Ok(LoginOutcome::ReadyReconnect));
    let mut bypassed = at_portal();
    bypassed.hosts[0].is_bypassed = true;
    assert_eq!(hotspot.login_active(mac(), &bypassed, false).await, Ok(LoginOutcome::Bypassed));
}

#[tokio::test]
async fn a_router_without_the_hotspot_package_says_so() {
    let (hotspot, mut router) = pair().await;
    let playing = async {
        for _ in 0..2 {
            let (tag, _) = router.command().await.expect("a command");
            router.send(&[&["!trap", &tag, "=message=no such command prefix"], &["!done", &tag]]).await;
        }
    };
    let (servers, ()) = tokio::join!(hotspot.servers(), playing);
    assert_eq!(servers.unwrap_err().trap_kind(), Some(&routeros_api::TrapKind::NoSuchCommand));
}
