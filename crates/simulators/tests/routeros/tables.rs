//! Menus: what they accept, how they print, what they refuse and in which words.

use simulators::routeros::{DeviceMode, Group, Options, RosVersion, Sim, Unconfirmed};

use crate::support::{Api, MAC, router, secs, value};

#[tokio::test]
async fn refusals_in_the_routers_words() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    api.add(&["/ip/hotspot/user/add", "=name=x"]).await;
    api.add(&["/ip/firewall/address-list/add", "=list=paid", "=address=10.5.50.9/32"]).await;
    for (words, category, message) in [
        (&["/ip/hotspot/user/add"][..], Some(0), "missing value(s) of argument(s) name"),
        (&["/ip/hotspot/user/add", "=name="], Some(0), "missing value(s) of argument(s) name"),
        (&["/ip/hotspot/user/add", "=name=y", "=rate-limit=1M/1M"], None, "unknown parameter rate-limit"),
        (&["/ip/hotspot/user/add", "=name=y", "=uptime=1h"], None, "unknown parameter uptime"),
        (&["/ip/hotspot/user/add", "=name=y", "=profile=none"], Some(1), "input does not match any value of profile"),
        (&["/ip/hotspot/user/add", "=name=y", "=server=hotspot9"], Some(1), "input does not match any value of server"),
        (
            &["/ip/hotspot/user/add", "=name=y", "=limit-uptime=soon"],
            Some(1),
            "invalid time value for argument limit-uptime",
        ),
        (
            &["/ip/hotspot/user/add", "=name=y", "=limit-bytes-total=much"],
            Some(1),
            "invalid value for argument limit-bytes-total",
        ),
        (
            &["/ip/hotspot/user/add", "=name=y", "=mac-address=12"],
            None,
            "invalid value of mac-address, mac address required",
        ),
        (&["/ip/hotspot/user/add", "=name=y", "=disabled=maybe"], Some(1), "invalid value for argument disabled"),
        (&["/ip/hotspot/user/add", "=name=x"], None, "failure: already have user with this name for this server"),
        (
            &["/ip/hotspot/user/add", "=name=x", "=server=all"],
            None,
            "failure: already have user with this name for this server",
        ),
        (
            &["/ip/firewall/address-list/add", "=list=paid", "=address=10.5.50.9"],
            None,
            "failure: already have such entry",
        ),
        (&["/ip/hotspot/user/profile/add", "=name=default"], None, "failure: item with the same name already exists"),
        (
            &["/ip/hotspot/user/profile/add", "=name=p", "=rate-limit=fast"],
            Some(1),
            "invalid value for argument rate-limit",
        ),
        (
            &["/ip/hotspot/user/profile/add", "=name=p", "=shared-users=0"],
            Some(1),
            "value of shared-users expects range of integer numbers 1..4294967295",
        ),
        (
            &["/ip/hotspot/profile/set", "=.id=hsprof1", "=login-by=mac,smoke"],
            Some(1),
            "input does not match any value of login-by",
        ),
        (
            &["/ip/hotspot/profile/set", "=.id=hsprof1", "=login-by=http"],
            Some(1),
            "ambiguous value of login-by, more than one possible value matches input",
        ),
        (&["/ip/hotspot/profile/set", "=.id=hsprof1", "=https-redirect=no"], None, "unknown parameter https-redirect"),
        (&["/ip/hotspot/user/set", "=.id=*FF", "=comment=a"], None, "no such item"),
        (&["/ip/hotspot/user/set", "=.id=", "=comment=a"], None, "no such item"),
        (&["/ip/hotspot/user/remove", "=.id=*FF"], None, "no such item"),
        (&["/ip/hotspot/user/remove"], Some(0), "missing value(s) of argument(s) numbers"),
        (&["/ip/hotspot/user/remove", "=.id=default-trial"], None, "failure: can not remove default item"),
        (&["/ip/hotspot/user/print", "=nonsense="], None, "unknown parameter nonsense"),
        (&["/ip/hotspot/active/remove", "=.id=*A053217"], None, "no such item"),
        (&["/ip/hotspot/host/remove", "=.id=*1"], None, "no such item"),
        (&["/ip/hotspot/cookie/remove", "=.id=*1"], None, "no such item"),
    ] {
        let mut expected = vec!["!trap".to_owned()];
        expected.extend(category.map(|category| format!("=category={category}")));
        expected.push(format!("=message={message}"));
        assert_eq!(api.ask(words).await, [expected, vec!["!done".to_owned()]], "{words:?}");
    }
}

#[tokio::test]
async fn one_spelling_for_every_value() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    let words = [
        "/ip/hotspot/user/add",
        "=name=v",
        "=mac-address=a4-cf-12-00-00-01",
        "=limit-uptime=01:30:00",
        "=limit-bytes-total=1G",
        "=disabled=yes",
        "=profile=def",
        "=comment=c",
    ];
    api.add(&words).await;
    assert_eq!(
        api.rows(&["/ip/hotspot/user/print", "?name=v"]).await,
        [[
            "=.id=*1",
            "=name=v",
            "=mac-address=A4:CF:12:00:00:01",
            "=profile=default",
            "=limit-uptime=1h30m",
            "=limit-bytes-total=1073741824",
            "=uptime=0s",
            "=bytes-in=0",
            "=bytes-out=0",
            "=packets-in=0",
            "=packets-out=0",
            "=dynamic=false",
            "=disabled=true",
            "=comment=c",
        ]]
    );
    api.does(&["/ip/hotspot/profile/set", "=.id=hsprof1", "=login-by=http-pap,mac,cookie"]).await;
    let row = api.rows(&["/ip/hotspot/profile/print", "?name=hsprof1", "=.proplist=login-by"]).await;
    assert_eq!(row, [["=login-by=mac,cookie,http-pap"]]);
    // An empty address takes it away.
    api.does(&["/ip/hotspot/user/set", "=.id=v", "=mac-address=", "=disabled=false"]).await;
    let row = api.rows(&["/ip/hotspot/user/print", "?name=v", "=.proplist=mac-address,disabled"]).await;
    assert_eq!(row, [["=disabled=false"]]);
}

#[tokio::test]
async fn items_by_id_by_name_by_numbers_and_several() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    for name in ["a", "b", "c", "d"] {
        api.add(&["/ip/hotspot/user/add", &format!("=name={name}")]).await;
    }
    api.does(&["/ip/hotspot/user/set", "=.id=*1,*2", "=comment=pair"]).await;
    api.does(&["/ip/hotspot/user/set", "=numbers=c", "=comment=pair"]).await;
    api.does(&["/ip/hotspot/user/comment", "=numbers=*4", "=comment=pair"]).await;
    assert_eq!(api.rows(&["/ip/hotspot/user/print", "?comment=pair"]).await.len(), 4);
    api.does(&["/ip/hotspot/user/disable", "=.id=a,b"]).await;
    assert_eq!(api.ask(&["/ip/hotspot/user/print", "?disabled=true", "=count-only="]).await, [["!done", "=ret=2"]]);
    api.does(&["/ip/hotspot/user/enable", "=.id=a"]).await;
    // The rows before the missing one are gone.
    assert_eq!(api.refused(&["/ip/hotspot/user/remove", "=.id=*1,*FF,*2"]).await, "no such item");
    let left = api.rows(&["/ip/hotspot/user/print", "=.proplist=name"]).await;
    assert_eq!(left, [["=name=default-trial"], ["=name=b"], ["=name=c"], ["=name=d"]]);
    // An id is never used again.
    assert_eq!(api.add(&["/ip/hotspot/user/add", "=name=a"]).await, "*5");
}

#[tokio::test]
async fn proplists_and_rows_without_what_they_ask_for() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    api.add(&["/ip/hotspot/user/add", "=name=a"]).await;
    let answer = api.ask(&["/ip/hotspot/user/getall", "=.proplist=comment,frob", "=detail="]).await;
    let trial = vec!["!re", "=comment=counters and limits for trial users"];
    assert_eq!(answer, [trial, vec!["!re"], vec!["!done"]]);
    assert_eq!(api.ask(&["/ip/hotspot/user/get", "=.id=a", "=value-name=profile"]).await, [["!done", "=ret=default"]]);
    assert_eq!(api.ask(&["/ip/hotspot/user/find"]).await, [["!done", "=ret=*0;*1"]]);
    assert_eq!(api.rows(&["/ip/hotspot/user/print", "=from=*1", "=.proplist=name"]).await, [["=name=a"]]);
}

#[tokio::test]
async fn references_follow_names_and_show_ids_of_what_is_gone() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    let profile = api.add(&["/ip/hotspot/user/profile/add", "=name=p1"]).await;
    api.add(&["/ip/hotspot/user/add", "=name=a", "=profile=p1"]).await;
    api.does(&["/ip/hotspot/user/profile/set", "=.id=p1", "=name=p2"]).await;
    assert_eq!(api.rows(&["/ip/hotspot/user/print", "?name=a", "=.proplist=profile"]).await, [["=profile=p2"]]);
    api.does(&["/ip/hotspot/user/profile/remove", &format!("=.id={profile}")]).await;
    let row = api.rows(&["/ip/hotspot/user/print", "?name=a", "=.proplist=profile"]).await;
    assert_eq!(row, [[format!("=profile={profile}")]]);
    assert_eq!(
        api.refused(&["/ip/hotspot/user/profile/remove", "=.id=default"]).await,
        "failure: can not remove default item"
    );

    let unconfirmed = Unconfirmed { prefix_matching: false, ..Unconfirmed::default() };
    let sim = Sim::start(Options { unconfirmed, ..Options::default() }).await.unwrap();
    let mut api = Api::login(&sim).await;
    let refused = api.refused(&["/ip/hotspot/user/add", "=name=a", "=profile=def"]).await;
    assert_eq!(refused, "input does not match any value of profile");
}

#[tokio::test]
async fn users_are_unique_per_server() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    api.add(&["/ip/hotspot/user/add", "=name=a"]).await;
    api.add(&["/ip/hotspot/user/add", "=name=a", "=server=hotspot1"]).await;
    let refused = api.refused(&["/ip/hotspot/user/set", "=.id=*2", "=server=all"]).await;
    assert_eq!(refused, "failure: already have user with this name for this server");
    // Setting what a row has already is no duplicate of itself.
    api.does(&["/ip/hotspot/user/set", "=.id=*2", "=name=a"]).await;
}

#[tokio::test]
async fn singletons_unset_move_and_counters() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    assert_eq!(api.ask(&["/system/identity/print"]).await[0], ["!re", "=name=MikroTik"]);
    api.add(&["/ip/hotspot/user/profile/add", "=name=p", "=rate-limit=1M/2M"]).await;
    api.does(&["/ip/hotspot/user/profile/unset", "=.id=p", "=value-name=rate-limit"]).await;
    let row = api.rows(&["/ip/hotspot/user/profile/print", "?name=p", "=.proplist=rate-limit,shared-users"]).await;
    assert_eq!(row, [["=shared-users=1"]]);
    for mac in ["A4:CF:12:00:00:01", "A4:CF:12:00:00:02", "A4:CF:12:00:00:03"] {
        api.add(&["/ip/hotspot/ip-binding/add", &format!("=mac-address={mac}"), "=type=bypassed"]).await;
    }
    api.does(&["/ip/hotspot/ip-binding/move", "=numbers=*3", "=destination=*1"]).await;
    assert_eq!(api.add(&["/ip/hotspot/ip-binding/add", "=place-before=*1"]).await, "*4");
    let ids = api.rows(&["/ip/hotspot/ip-binding/print", "=.proplist=.id"]).await;
    assert_eq!(ids, [["=.id=*3"], ["=.id=*4"], ["=.id=*1"], ["=.id=*2"]]);
    let user = api.add(&["/ip/hotspot/user/add", &format!("=name={MAC}")]).await;
    sim.join(MAC).unwrap();
    sim.advance(secs(60));
    sim.browser_logout(MAC).unwrap();
    assert_eq!(api.rows(&["/ip/hotspot/user/print", "?uptime=1m", "=.proplist=name"]).await.len(), 1);
    api.does(&["/ip/hotspot/user/reset-counters", &format!("=.id={user}")]).await;
    assert_eq!(api.rows(&["/ip/hotspot/user/print", "?uptime=1m"]).await.len(), 0);
}

#[tokio::test]
async fn each_release_has_its_manners() {
    for (ros, date, otp, redirect, gone) in [
        (RosVersion::V6_49, "nov/22/2026", false, true, "no such item (4)"),
        (RosVersion::V7_16, "2026-11-22", false, false, "no such item"),
        (RosVersion::V7_22, "2026-11-22", true, false, "no such item"),
    ] {
        let sim = Sim::start(Options { ros, ..Options::default() }).await.unwrap();
        let mut api = Api::login(&sim).await;
        assert_eq!(value(&sim.rows("/system/clock").unwrap()[0], "date"), date);
        assert_eq!(api.refused(&["/ip/hotspot/user/remove", "=.id=*FF"]).await, gone);
        let otp_answer = api.ask(&["/ip/hotspot/user/add", "=name=o", "=otp-secret=s"]).await;
        assert_eq!(otp_answer[0][0] == "!done", otp, "{ros:?}");
        let redirect_answer = api.ask(&["/ip/hotspot/profile/set", "=.id=hsprof1", "=https-redirect=no"]).await;
        assert_eq!(redirect_answer[0][0] == "!done", redirect, "{ros:?}");
        let mode = api.ask(&["/system/device-mode/print"]).await;
        assert_eq!(mode[0][0] == "!re", ros.is_v7(), "{ros:?}");
    }
}

#[tokio::test]
async fn a_router_without_hotspot_or_with_it_forbidden() {
    let sim = Sim::start(Options { hotspot: false, ..Options::default() }).await.unwrap();
    let mut api = Api::login(&sim).await;
    for path in ["/ip/hotspot/user/print", "/ip/hotspot/print", "/ip/hotspot/active/login"] {
        assert!(api.refused(&[path]).await.starts_with("no such command"), "{path}");
    }
    let sim = Sim::start(Options { device_mode: DeviceMode::Home, ..Options::default() }).await.unwrap();
    let mut api = Api::login(&sim).await;
    assert_eq!(api.rows(&["/ip/hotspot/user/print"]).await.len(), 1);
    for words in [
        &["/ip/hotspot/user/add", "=name=a"][..],
        &["/system/scheduler/add", "=name=s"],
        &["/tool/fetch", "=url=http://x/"],
        &["/ip/hotspot/active/login", "=user=a", "=ip=10.5.50.10"],
    ] {
        assert_eq!(api.refused(words).await, "failure: not allowed by device-mode");
    }
    sim.join(MAC).unwrap();
    assert!(sim.hosts().is_empty(), "a forbidden hotspot sees nobody");
    let mode = sim.rows("/system/device-mode").unwrap();
    assert_eq!((value(&mode[0], "mode"), value(&mode[0], "hotspot")), ("home", "false"));
}

#[tokio::test]
async fn groups_may_what_their_policies_say() {
    let account = |name: &str, group: &str| simulators::routeros::Account {
        name: name.into(),
        password: "p".into(),
        group: group.into(),
    };
    let accounts = vec![account("r", "read"), account("b", "bando"), account("n", "blind")];
    let group = |name: &str, policy: &str| Group { name: name.into(), policy: policy.into() };
    let groups = vec![group("bando", "read,write,api,test"), group("blind", "read,write")];
    let sim = Sim::start(Options { accounts, groups, ..Options::default() }).await.unwrap();
    let mut reader = Api::login_as(&sim, "r", "p").await;
    for words in [
        &["/ip/hotspot/user/add", "=name=a"][..],
        &["/ip/hotspot/user/remove", "=.id=*0"],
        &["/ip/hotspot/active/login", "=user=a", "=ip=10.5.50.10"],
        &["/user/set", "=.id=r", "=group=full"],
    ] {
        assert_eq!(reader.refused(words).await, "not enough permissions (9)", "{words:?}");
    }
    let mut ours = Api::login_as(&sim, "b", "p").await;
    ours.add(&["/ip/hotspot/user/add", "=name=a", "=password=secret"]).await;
    assert_eq!(ours.refused(&["/user/set", "=.id=r", "=group=full"]).await, "not enough permissions (9)");
    assert_eq!(ours.refused(&["/system/reboot"]).await, "not enough permissions (9)");
    // Without the sensitive policy passwords are not shown, and cannot be asked for.
    assert_eq!(ours.rows(&["/ip/hotspot/user/print", "?name=a", "=.proplist=name,password"]).await, [["=name=a"]]);
    let mut reader_rows = reader.rows(&["/ip/hotspot/user/print", "?name=a", "=.proplist=password"]).await;
    assert_eq!(reader_rows.remove(0), ["=password=secret"]);
    assert!(!format!("{:?}", sim.rows("/user").unwrap()).contains("password"));
    let mut blind = Api::open(&sim).await;
    let refused = blind.refused(&["/login", "=name=n", "=password=p"]).await;
    assert_eq!(refused, "invalid user name or password (6)");
    assert_eq!(value(&sim.rows("/user/active").unwrap()[0], "name"), "r");
}

#[tokio::test]
async fn timed_address_list_entries_go_by_themselves() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    api.add(&["/ip/firewall/address-list/add", "=list=l", "=address=10.0.0.1", "=timeout=1m"]).await;
    api.add(&["/ip/firewall/address-list/add", "=list=l", "=address=portal.example.com"]).await;
    sim.advance(secs(59));
    assert_eq!(sim.rows("/ip/firewall/address-list").unwrap().len(), 2);
    sim.advance(secs(1));
    let left = sim.rows("/ip/firewall/address-list").unwrap();
    assert_eq!((left.len(), value(&left[0], "address")), (1, "portal.example.com"));
}

#[tokio::test]
async fn the_service_decides_who_comes_in() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    api.does(&["/ip/service/set", "=.id=api", "=max-sessions=2"]).await;
    let _second = Api::login(&sim).await;
    let mut third = Api::open(&sim).await;
    assert!(third.hear().await.is_err(), "one too many");
    api.does(&["/ip/service/set", "=.id=api", "=max-sessions=20", "=address=10.66.0.1"]).await;
    let mut outside = Api::open(&sim).await;
    assert!(outside.hear().await.is_err(), "not from here");
    api.does(&["/ip/service/set", "=.id=api", "=address=127.0.0.0/8"]).await;
    Api::login(&sim).await;
}

#[tokio::test]
async fn scripts_over_the_api() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    api.add(&["/system/script/add", "=name=s", "=source=:put 1"]).await;
    api.does(&["/system/script/run", "=.id=s"]).await;
    assert_eq!(api.ask(&["/execute", "=script=:put 1"]).await, [["!done", "=ret=*2"]]);
    assert_eq!(api.ask(&["/execute", "=script=:put 1", "=as-string="]).await, [["!done", "=ret=1"]]);
    assert_eq!(
        api.refused(&["/tool/fetch", "=url=http://127.0.0.1:1/"]).await,
        "failure: closing connection: <connection failed> 127.0.0.1:1 (4)"
    );
    api.add(&["/file/add", "=name=bando.rsc", "=contents=/ip hotspot"]).await;
    api.does(&["/import", "=file-name=bando.rsc"]).await;
    assert_eq!(api.refused(&["/import", "=file-name=other.rsc"]).await, "failure: no such file");
    assert_eq!(api.rows(&["/file/print", "?name=bando.rsc", "=.proplist=size"]).await, [["=size=11"]]);
    api.does(&["/system/clock/set", "=time-zone-name=Africa/Nairobi"]).await;
    let clock = sim.rows("/system/clock").unwrap();
    assert_eq!((value(&clock[0], "time"), value(&clock[0], "gmt-offset")), ("09:00:00", "+03:00"));
}
