//! The hotspot on a clock that only we move.

use std::net::Ipv4Addr;

use simulators::routeros::{ClientState, LoginOnLiveHost, Options, ServerProfile, Sim, Unconfirmed};

use crate::support::{Api, MAC, router, secs, value};

const IP: Ipv4Addr = Ipv4Addr::new(10, 5, 50, 23);

async fn grant(api: &mut Api, mac: &str, attributes: &[&str]) -> String {
    let (name, lock) = (format!("=name={mac}"), format!("=mac-address={mac}"));
    let words: Vec<&str> =
        ["/ip/hotspot/user/add", &name, "=password=", &lock].into_iter().chain(attributes.iter().copied()).collect();
    api.add(&words).await
}

fn login(user: &str, mac: &str, ip: Ipv4Addr) -> Vec<String> {
    [
        "/ip/hotspot/active/login".to_owned(),
        format!("=user={user}"),
        "=password=".into(),
        format!("=mac-address={mac}"),
        format!("=ip={ip}"),
    ]
    .to_vec()
}

async fn log_in(api: &mut Api, user: &str, mac: &str, ip: Ipv4Addr) -> Result<(), String> {
    let words = login(user, mac, ip);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let answer = api.ask(&words).await;
    match answer.as_slice() {
        [done] if *done == ["!done"] => Ok(()),
        [trap, _] => Err(trap[1].strip_prefix("=message=").unwrap().to_owned()),
        other => panic!("{other:?}"),
    }
}

fn state(sim: &Sim, mac: &str) -> ClientState {
    sim.client(mac).unwrap().state
}

fn user_value(sim: &Sim, mac: &str, name: &str) -> String {
    let users = sim.users();
    let user = users.iter().find(|row| value(row, "name") == mac).unwrap();
    value(user, name).to_owned()
}

#[tokio::test]
async fn the_grant_of_a_confirmed_payment_word_for_word() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    let profile = [
        "/ip/hotspot/user/profile/add",
        "=name=bando-p3-v1",
        "=rate-limit=512k/2M",
        "=shared-users=2",
        "=add-mac-cookie=no",
        "=transparent-proxy=no",
        "=idle-timeout=none",
        "=keepalive-timeout=2m",
        "=session-timeout=0s",
        "=status-autorefresh=none",
        "=open-status-page=http-login",
    ];
    api.add(&profile).await;
    sim.join_at(MAC, IP).unwrap();
    assert_eq!(state(&sim, MAC), ClientState::Portal);

    let proplist = "=.proplist=.id,uptime,bytes-in,bytes-out,comment,profile";
    let read = ["/ip/hotspot/user/print", proplist, "?name=A4:CF:12:00:00:01"];
    assert_eq!(api.ask(&read).await, [["!empty"], ["!done"]]);
    let add = [
        "/ip/hotspot/user/add",
        "=name=A4:CF:12:00:00:01",
        "=password=",
        "=mac-address=A4:CF:12:00:00:01",
        "=profile=bando-p3-v1",
        "=limit-uptime=3600",
        "=limit-bytes-total=1073741824",
        "=comment=bando1;g=812;e=1895324800",
    ];
    let id = api.add(&add).await;
    assert_eq!(api.refused(&add).await, "failure: already have user with this name for this server");
    let row = vec![
        "!re".to_owned(),
        format!("=.id={id}"),
        "=profile=bando-p3-v1".into(),
        "=uptime=0s".into(),
        "=bytes-in=0".into(),
        "=bytes-out=0".into(),
        "=comment=bando1;g=812;e=1895324800".into(),
    ];
    assert_eq!(api.ask(&read).await, [row, vec!["!done".to_owned()]]);
    let host = api
        .ask(&[
            "/ip/hotspot/host/print",
            "=.proplist=.id,address,to-address,authorized,bypassed,server",
            "?mac-address=A4:CF:12:00:00:01",
        ])
        .await;
    assert_eq!(
        host[0],
        [
            "!re",
            "=.id=*1",
            "=address=10.5.50.23",
            "=to-address=10.5.50.23",
            "=server=hotspot1",
            "=authorized=false",
            "=bypassed=false"
        ]
    );
    let active = ["/ip/hotspot/active/print", "=.proplist=.id,address,user", "?mac-address=A4:CF:12:00:00:01"];
    assert_eq!(api.ask(&active).await, [["!empty"], ["!done"]]);
    api.does(&[
        "/ip/hotspot/active/login",
        "=user=A4:CF:12:00:00:01",
        "=password=",
        "=mac-address=A4:CF:12:00:00:01",
        "=ip=10.5.50.23",
    ])
    .await;
    let row = ["!re", "=.id=*A053217", "=user=A4:CF:12:00:00:01", "=address=10.5.50.23"];
    assert_eq!(api.ask(&active).await, [&row[..], &["!done"]]);

    sim.traffic(MAC, 1_048_576, 4_194_304).unwrap();
    sim.advance(secs(750));
    assert_eq!(
        api.rows(&["/ip/hotspot/active/print"]).await,
        [[
            "=.id=*A053217",
            "=server=hotspot1",
            "=user=A4:CF:12:00:00:01",
            "=address=10.5.50.23",
            "=mac-address=A4:CF:12:00:00:01",
            "=login-by=mac",
            "=uptime=12m30s",
            "=session-time-left=47m30s",
            "=idle-time=0s",
            "=keepalive-timeout=2m",
            "=bytes-in=1048576",
            "=bytes-out=4194304",
            "=packets-in=749",
            "=packets-out=2996",
            "=limit-bytes-total=1073741824",
            "=radius=false",
            "=blocked=false",
        ]]
    );
    let queue = api.rows(&["/queue/simple/print", "=.proplist=name,target,max-limit,bytes,dynamic"]).await;
    assert_eq!(
        queue,
        [[
            "=name=<hotspot-A4:CF:12:00:00:01>",
            "=target=10.5.50.23/32",
            "=max-limit=512000/2000000",
            "=bytes=1048576/4194304",
            "=dynamic=true",
        ]]
    );
    sim.advance(secs(2850));
    assert_eq!(state(&sim, MAC), ClientState::Portal);
    assert!(sim.rows("/queue/simple").unwrap().is_empty());
    assert_eq!(user_value(&sim, MAC, "uptime"), "1h");
    assert_eq!(user_value(&sim, MAC, "bytes-out"), "4194304");
}

#[tokio::test]
async fn a_limit_holds_to_the_second_and_stays() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    grant(&mut api, MAC, &["=limit-uptime=300"]).await;
    sim.join_at(MAC, IP).unwrap();
    sim.advance(secs(18));
    sim.browser_logout(MAC).unwrap();
    log_in(&mut api, MAC, MAC, IP).await.unwrap();
    assert_eq!(sim.client(MAC).unwrap().seconds_left, Some(282));
    sim.advance(secs(281));
    assert_eq!(state(&sim, MAC), ClientState::Online);
    sim.advance(secs(1));
    assert_eq!(state(&sim, MAC), ClientState::Portal);
    assert_eq!(log_in(&mut api, MAC, MAC, IP).await, Err(format!("user {MAC} has reached uptime limit")));
}

#[tokio::test]
async fn mac_login_is_tried_once_per_host_entry() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    sim.join_at(MAC, IP).unwrap();
    grant(&mut api, MAC, &[]).await;
    assert!(!sim.traffic(MAC, 100, 100).unwrap());
    sim.advance(secs(240));
    assert_eq!(state(&sim, MAC), ClientState::Portal, "stuck, although it has a user");
    // The login timeout of the server deletes the entry; the next packet makes a new one.
    sim.advance(secs(61));
    assert_eq!(state(&sim, MAC), ClientState::Online);

    let other = "A4:CF:12:00:00:02";
    sim.join(other).unwrap();
    grant(&mut api, other, &[]).await;
    let host = api.rows(&["/ip/hotspot/host/print", "=.proplist=.id", &format!("?mac-address={other}")]).await;
    api.does(&["/ip/hotspot/host/remove", &host[0][0]]).await;
    assert!(!sim.client(other).unwrap().known);
    sim.advance(secs(1));
    assert_eq!(state(&sim, other), ClientState::Online);
}

#[tokio::test]
async fn a_bare_server_profile_does_not_know_mac_login() {
    let sim = Sim::start(Options { server_profile: ServerProfile::Bare, ..Options::default() }).await.unwrap();
    let mut api = Api::login(&sim).await;
    grant(&mut api, MAC, &[]).await;
    sim.join_at(MAC, IP).unwrap();
    assert_eq!(state(&sim, MAC), ClientState::Portal);
    assert!(sim.browser_login(MAC, MAC, "").unwrap_err().starts_with("web browser did not send challenge response"));
    log_in(&mut api, MAC, MAC, IP).await.unwrap();
    assert_eq!(state(&sim, MAC), ClientState::Online);
}

#[tokio::test]
async fn new_limits_reach_the_next_session_only() {
    for live in [false, true] {
        let unconfirmed = Unconfirmed { live_limits: live, ..Unconfirmed::default() };
        let sim = Sim::start(Options { unconfirmed, ..Options::default() }).await.unwrap();
        let mut api = Api::login(&sim).await;
        let id = grant(&mut api, MAC, &["=limit-uptime=600"]).await;
        sim.join_at(MAC, IP).unwrap();
        sim.advance(secs(300));
        api.does(&["/ip/hotspot/user/set", &format!("=.id={id}"), "=limit-uptime=1200"]).await;
        sim.advance(secs(400));
        assert_eq!(state(&sim, MAC) == ClientState::Online, live);
    }
}

#[tokio::test]
async fn extending_a_live_session() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    let id = grant(&mut api, MAC, &["=limit-uptime=600"]).await;
    sim.join_at(MAC, IP).unwrap();
    sim.advance(secs(300));
    // Used so far plus what remains, then out and in again so that it counts.
    api.does(&["/ip/hotspot/user/set", &format!("=.id={id}"), "=limit-uptime=4200"]).await;
    api.does(&["/ip/hotspot/active/remove", "=.id=*A053217"]).await;
    log_in(&mut api, MAC, MAC, IP).await.unwrap();
    assert_eq!(sim.client(MAC).unwrap().seconds_left, Some(3900));
    sim.advance(secs(3899));
    assert_eq!(state(&sim, MAC), ClientState::Online);
    sim.advance(secs(1));
    assert_eq!(state(&sim, MAC), ClientState::Portal);
}

#[tokio::test]
async fn revoking_takes_user_then_session() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    let id = grant(&mut api, MAC, &[]).await;
    sim.join_at(MAC, IP).unwrap();
    // The session alone: the device is back with its next packet.
    api.does(&["/ip/hotspot/active/remove", "=.id=*A053217"]).await;
    assert_eq!(state(&sim, MAC), ClientState::Portal);
    sim.advance(secs(1));
    assert_eq!(state(&sim, MAC), ClientState::Online);
    // The user alone: the session goes on.
    api.does(&["/ip/hotspot/user/remove", &format!("=.id={id}")]).await;
    sim.advance(secs(3600));
    assert_eq!(state(&sim, MAC), ClientState::Online);
    api.does(&["/ip/hotspot/active/remove", "=.id=*A053217"]).await;
    sim.advance(secs(3600));
    assert_eq!(state(&sim, MAC), ClientState::Portal);
    // Made anew, it starts from nothing.
    grant(&mut api, MAC, &["=limit-uptime=60"]).await;
    log_in(&mut api, MAC, MAC, IP).await.unwrap();
    assert_eq!(sim.client(MAC).unwrap().seconds_left, Some(60));
}

#[tokio::test]
async fn a_data_cap_ends_the_session() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    grant(&mut api, MAC, &["=limit-bytes-total=1000000"]).await;
    sim.join_at(MAC, IP).unwrap();
    assert!(sim.traffic(MAC, 400_000, 500_000).unwrap());
    assert_eq!(state(&sim, MAC), ClientState::Online);
    sim.traffic(MAC, 50_000, 60_000).unwrap();
    assert_eq!(state(&sim, MAC), ClientState::Portal);
    assert_eq!(user_value(&sim, MAC, "bytes-in"), "450000");
    assert_eq!(log_in(&mut api, MAC, MAC, IP).await, Err(format!("user {MAC} has reached traffic limit")));
}

#[tokio::test]
async fn a_device_that_leaves_keeps_its_session_for_the_keepalive_timeout() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    grant(&mut api, MAC, &[]).await;
    sim.join_at(MAC, IP).unwrap();
    sim.leave(MAC).unwrap();
    sim.advance(secs(119));
    sim.join(MAC).unwrap();
    assert_eq!(sim.client(MAC).unwrap().uptime_secs, Some(119));
    sim.leave(MAC).unwrap();
    sim.advance(secs(120));
    assert!(sim.active().is_empty() && sim.hosts().is_empty());
    assert_eq!(user_value(&sim, MAC, "uptime"), "3m59s");
    // An unauthorised host is forgotten after the idle timeout of the server.
    let guest = "A4:CF:12:00:00:09";
    sim.join(guest).unwrap();
    sim.leave(guest).unwrap();
    sim.advance(secs(299));
    assert_eq!(sim.hosts().len(), 1);
    sim.advance(secs(1));
    assert!(sim.hosts().is_empty());
}

#[tokio::test]
async fn a_new_address_meets_the_old_session() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    api.add(&["/ip/hotspot/user/profile/add", "=name=two", "=shared-users=2"]).await;
    let id = grant(&mut api, MAC, &[]).await;
    sim.join_at(MAC, IP).unwrap();
    let new = Ipv4Addr::new(10, 5, 50, 24);
    sim.join_at(MAC, new).unwrap();
    assert_eq!(state(&sim, MAC), ClientState::Portal);
    assert_eq!(log_in(&mut api, MAC, MAC, new).await, Err(format!("no more sessions are allowed for user {MAC}")));
    api.does(&["/ip/hotspot/user/set", &format!("=.id={id}"), "=profile=two"]).await;
    log_in(&mut api, MAC, MAC, new).await.unwrap();
    assert_eq!(sim.active().len(), 2);
    sim.advance(secs(120));
    assert_eq!(sim.active().len(), 1, "the old address fell silent");
}

#[tokio::test]
async fn logins_the_router_refuses() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    let other = "A4:CF:12:00:00:02";
    grant(&mut api, MAC, &[]).await;
    api.add(&["/ip/hotspot/user/add", "=name=voucher", "=password=x", &format!("=mac-address={MAC}")]).await;
    api.add(&["/ip/hotspot/user/add", "=name=off", "=disabled=yes"]).await;
    sim.join_at(other, IP).unwrap();
    let absent = Ipv4Addr::new(10, 5, 50, 99);
    for (user, mac, ip, text) in [
        (MAC, other, absent, "unknown host IP 10.5.50.99".to_owned()),
        (MAC, MAC, IP, "wrong MAC provided".to_owned()),
        (MAC, other, IP, format!("invalid username ({MAC}): this MAC address is not yours")),
        ("nobody", other, IP, "invalid username or password".to_owned()),
        ("voucher", other, IP, "invalid username or password".to_owned()),
        ("off", other, IP, "invalid username or password".to_owned()),
    ] {
        assert_eq!(log_in(&mut api, user, mac, ip).await, Err(text));
    }
    let locked = sim.browser_login(other, "voucher", "x").unwrap_err();
    assert_eq!(locked, "user voucher is not allowed to log in from this MAC address");
    assert_eq!(
        api.refused(&["/ip/hotspot/active/login", "=user=a", "=ip=here"]).await,
        "invalid value for argument ip"
    );
    let refused = api.refused(&["/ip/hotspot/active/login", "=user=a", "=ip=10.5.50.23", "=mac-address=1"]).await;
    assert_eq!(refused, "invalid value of mac-address, mac address required");
    assert!(sim.active().is_empty());
}

#[tokio::test]
async fn logging_in_a_host_that_is_logged_in() {
    for (choice, expected) in
        [(LoginOnLiveHost::Refuse, Err("already logged in".to_owned())), (LoginOnLiveHost::Replace, Ok(()))]
    {
        let unconfirmed = Unconfirmed { login_on_live_host: choice, ..Unconfirmed::default() };
        let sim = Sim::start(Options { unconfirmed, ..Options::default() }).await.unwrap();
        let mut api = Api::login(&sim).await;
        api.add(&["/ip/hotspot/user/profile/add", "=name=two", "=shared-users=2"]).await;
        grant(&mut api, MAC, &["=profile=two"]).await;
        sim.join_at(MAC, IP).unwrap();
        sim.advance(secs(5));
        assert_eq!(log_in(&mut api, MAC, MAC, IP).await, expected);
        assert_eq!(sim.active().len(), 1);
    }
}

#[tokio::test]
async fn the_licence_limits_sessions() {
    let sim = Sim::start(Options { license_sessions_max: Some(1), ..Options::default() }).await.unwrap();
    let mut api = Api::login(&sim).await;
    let other = "A4:CF:12:00:00:02";
    grant(&mut api, MAC, &[]).await;
    grant(&mut api, other, &[]).await;
    sim.join_at(MAC, IP).unwrap();
    let ip = sim.join(other).unwrap();
    assert_eq!(state(&sim, other), ClientState::Portal);
    assert_eq!(log_in(&mut api, other, other, ip).await, Err("session limit reached (1)".to_owned()));
    assert_eq!(value(&sim.rows("/system/license").unwrap()[0], "level"), "4");
}

#[tokio::test]
async fn a_session_keeps_the_rate_it_logged_in_with() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    api.add(&["/ip/hotspot/user/profile/add", "=name=p", "=rate-limit=1M/2M", "=address-list=paid"]).await;
    grant(&mut api, MAC, &["=profile=p"]).await;
    sim.join_at(MAC, IP).unwrap();
    api.does(&["/ip/hotspot/user/profile/set", "=.id=p", "=rate-limit=4M/8M"]).await;
    assert_eq!(sim.client(MAC).unwrap().rate_limit.as_deref(), Some("1000000/2000000"));
    assert_eq!(value(&sim.rows("/ip/firewall/address-list").unwrap()[0], "address"), "10.5.50.23");
    let queue = value(&sim.rows("/queue/simple").unwrap()[0], ".id").to_owned();
    let refused = api.refused(&["/queue/simple/remove", &format!("=.id={queue}")]).await;
    assert_eq!(refused, "failure: can not remove dynamic item");
    sim.browser_logout(MAC).unwrap();
    assert!(sim.rows("/ip/firewall/address-list").unwrap().is_empty());
    log_in(&mut api, MAC, MAC, IP).await.unwrap();
    assert_eq!(sim.client(MAC).unwrap().rate_limit.as_deref(), Some("4000000/8000000"));
}

#[tokio::test]
async fn bindings_let_through_and_shut_out() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    sim.join_at(MAC, IP).unwrap();
    api.does(&["/ip/hotspot/host/make-binding", "=.id=*1", "=type=bypassed", "=comment=staff"]).await;
    assert_eq!(state(&sim, MAC), ClientState::Bypassed);
    assert!(sim.traffic(MAC, 1, 1).unwrap());
    assert_eq!(value(&sim.hosts()[0], "bypassed"), "true");
    sim.advance(secs(3600));
    assert_eq!(sim.hosts().len(), 1, "no login timeout for those who need no login");
    api.does(&["/ip/hotspot/ip-binding/set", "=.id=*1", "=type=blocked"]).await;
    assert_eq!(state(&sim, MAC), ClientState::Blocked);
    assert!(!sim.traffic(MAC, 1, 1).unwrap());
}

#[tokio::test]
async fn cookies_of_browsers_and_of_addresses() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    api.does(&["/ip/hotspot/profile/set", "=.id=hsprof1", "=login-by=http-pap,cookie,mac-cookie"]).await;
    api.add(&["/ip/hotspot/user/add", "=name=voucher", "=password=x"]).await;
    sim.join_at(MAC, IP).unwrap();
    sim.browser_login(MAC, "voucher", "x").unwrap();
    let cookies = sim.rows("/ip/hotspot/cookie").unwrap();
    let kinds: Vec<&str> = cookies.iter().map(|row| value(row, "mac-cookie")).collect();
    assert_eq!(kinds, ["false", "true"]);
    // Away for long and back: the MAC cookie logs it in silently.
    sim.leave(MAC).unwrap();
    sim.advance(secs(600));
    sim.join(MAC).unwrap();
    assert_eq!(state(&sim, MAC), ClientState::Online);
    // Logged out by an administrator the MAC cookie is gone; the browser's is not.
    api.does(&["/ip/hotspot/active/remove", "=.id=*A053217"]).await;
    sim.advance(secs(10));
    assert_eq!(state(&sim, MAC), ClientState::Portal);
    assert!(sim.browser_cookie(MAC).unwrap());
    assert_eq!(state(&sim, MAC), ClientState::Online);
    sim.browser_logout(MAC).unwrap();
    sim.advance(secs(3 * 86_400));
    assert!(sim.rows("/ip/hotspot/cookie").unwrap().is_empty(), "three days old");
    assert!(!sim.browser_cookie(MAC).unwrap());
}
