//! The script language, as a technician meets it at the terminal and as the scheduler runs it.

use simulators::routeros::{ClientState, Options, RosVersion, Sim};

use crate::support::{Api, MAC, router, secs, value};

/// What a script prints, line by line; it must not fail.
async fn prints(sim: &Sim, text: &str) -> Vec<String> {
    let seen = sim.paste(text).await;
    assert_eq!(seen.error(), None, "{text}\n{}", seen.screen());
    seen.output().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_language_as_the_manual_shows_it() {
    let sim = router().await;
    for (text, expected) in [
        (":put (1 + 2 * 3)", "7"),
        (":put (10 - 4 - 3)", "3"),
        (":put (5 / 2)", "2"),
        (":put (7 % 4)", "3"),
        (":put (1 << 4 | 1)", "17"),
        (":put (0x10)", "16"),
        (":put (10 > 4)", "true"),
        (":put ((10 > 4) && (1 = 2))", "false"),
        (":put (true and !false or false)", "true"),
        (":put (3ms + 5s)", "00:00:05.003"),
        (":put (15h - 2s)", "14:59:58"),
        (":put (12s * 4)", "00:00:48"),
        (":put (10.0.0.15 + 10)", "10.0.0.25"),
        (":put (10.0.0.15 - 10.0.0.3)", "12"),
        (":put (10.0.0.15 in 10.0.0.0/24)", "true"),
        (":put (~255.255.0.0)", "0.0.255.255"),
        (":put (\"con\" . \"cat\" . 1)", "concat1"),
        (":put ({1;2} , 3)", "1;2;3"),
        (":put (\"abc\" ~ \"^a.c\\$\")", "true"),
        (":put [:len \"abc\"]", "3"),
        (":put [:len {1;2;3}]", "3"),
        (":put [:pick \"abcde\" 1 3]", "bc"),
        (":put [:pick \"abcde\" 1]", "b"),
        (":put [:pick \"abcde\" 3 99]", "de"),
        (":put [:pick {1;2;3;4} 1 3]", "2;3"),
        (":put [:find \"abcabc\" \"b\"]", "1"),
        (":put [:find \"abcabc\" \"b\" 1]", "4"),
        (":put [:typeof [:find \"a\" \"b\"]]", "nil"),
        (":put [:typeof $undefined]", "nothing"),
        (":put [:typeof 10.0.0.1]", "ip"),
        (":put [:typeof 1h]", "time"),
        (":put [:tonum \"12\"]", "12"),
        (":put [:typeof [:tonum \"x\"]]", "nil"),
        (":put [:tobool \"yes\"]", "true"),
        (":put [:toarray \"1,2,3\"]", "1;2;3"),
        (":put \"sum: $(1 + 2) len: $[:len \"four\"]\"", "sum: 3 len: 4"),
        (":put \"a\\tb\\41\\_c\\\"\"", "a\tbA c\""),
        (":local a {x=1;y={2;3}}; :put ($a->\"y\"->1)", "3"),
        (":local a {1;2}; :set ($a->0) 9; :set ($a->\"k\") v; :put $a", "9;2;k=v"),
        (":local a 5; { :local a 6; :put $a }; :put $a", "6\n5"),
        (":for i from=1 to=3 do={ :put $i }", "1\n2\n3"),
        (":for i from=3 to=1 step=-2 do={ :put $i }", "3\n1"),
        (":foreach k,v in={a=1;b=2} do={ :put \"$k:$v\" }", "a:1\nb:2"),
        (":local n 0; :while ($n < 3) do={ :set n ($n + 1) }; :put $n", "3"),
        (":local n 0; :do { :set n ($n + 1) } while=($n < 5); :put $n", "5"),
        (":do { :error \"no\" } on-error={ :put caught }", "caught"),
        (":if (1 = 2) do={ :put a } else={ :put b }", "b"),
        (":global f do={ :return ($1 + $step) }; :put [$f 40 step=2]", "42"),
        (":local f [:parse \":return (\\$1 * 2)\"]; :put [$f 4]", "8"),
        (":put [[:parse \":return 7\"]]", "7"),
        (":put [:tostr {1;2}]", "1;2"),
        (":local \"my-name\" 3; :put $\"my-name\"", "3"),
        (":put \\\n  \"joined\"", "joined"),
        ("# a comment\n:put 1 ; # another", "1"),
        (":put [:convert to=base64 \"abc\"]", "YWJj"),
        (":put [:serialize to=json value={a=1;b={x;y}}]", "{\"a\":1,\"b\":[\"x\",\"y\"]}"),
        (":put ([:deserialize from=json value=\"{\\\"a\\\": [1, 2]}\"]->\"a\"->1)", "2"),
        (":put [:onerror e in={ :error \"boom\" } do={ :put $e }]", "boom (:error; line 1)\ntrue"),
        (":put [:typeof [:timestamp]]", "time"),
        (":put [:tonum [:timestamp]]", "1795327200"),
        (":put [:len [:rndstr length=20 from=abc]]", "20"),
    ] {
        assert_eq!(prints(&sim, text).await.join("\n"), expected, "{text}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_in_the_routers_words() {
    let sim = router().await;
    for (text, expected) in [
        ("/foo", "bad command name foo (line 1 column 2)"),
        ("/nonsense/command", "syntax error (line 1 column 10)"),
        ("/ip hotspot user add name=a bogus=1", "expected end of command (line 1 column 29)"),
        ("/ip hotspot user print limit=10", "expected end of command (line 1 column 24)"),
        (":local MAX_ACTIONS 200", "expected end of command (line 1 column 11)"),
        (":put 1\n:put (1 / 0)", "divide by zero"),
        (":put (\"a\" + 1)", "cannot add integer number to string"),
        (":error \"mine\"", "mine"),
        ("/ip hotspot user add name=a profile=none", "input does not match any value of profile"),
        ("/ip hotspot user get nobody name", "no such item"),
        ("/ip hotspot user remove nobody", "no such item"),
        (":set neverdeclared 1", "variable neverdeclared is not defined"),
        (":return", "missing value(s) of argument(s) value (line 1 column 8)"),
        (":put \"open", "syntax error (line 2 column 1)"),
    ] {
        assert_eq!(sim.paste(text).await.error(), Some(expected), "{text}");
    }
}

#[tokio::test]
async fn a_parse_error_stops_everything_before_it_starts_and_cannot_be_caught() {
    let sim = Sim::start(Options { hotspot: false, ..Options::default() }).await.unwrap();
    let line = ":put before; :do { /ip hotspot user print } on-error={ :put caught }";
    let seen = sim.paste(line).await;
    assert_eq!((seen.output().as_str(), seen.error()), ("", Some("bad command name hotspot (line 1 column 24)")));
    // As text it is parsed when it is reached, and caught.
    let line = ":put before; :do { [[:parse \"/ip hotspot user print\"]] } on-error={ :put caught }";
    assert_eq!(prints(&sim, line).await, ["before", "caught"]);
    // The same holds for a file, and for what this release does not know.
    sim.put_file("x.rsc", ":put before\n/ip hotspot user print\n");
    let seen = sim.paste("/import x.rsc").await;
    assert_eq!((seen.output().as_str(), seen.error()), ("", Some("bad command name hotspot (line 2 column 5)")));
    let sim = Sim::start(Options { ros: RosVersion::V7_9, ..Options::default() }).await.unwrap();
    let seen = sim.paste(":put a; :put [:timestamp]").await;
    assert_eq!(seen.error(), Some("bad command name timestamp (line 1 column 16)"));
    assert_eq!(seen.output(), "");
}

#[tokio::test]
async fn menus_are_changed_for_real() {
    let sim = router().await;
    let lines = prints(
        &sim,
        "/ip hotspot user\n\
         add name=one comment=\"bando1;g=1\" limit-uptime=1h\n\
         add name=two disabled=yes\n\
         /\n\
         :put [:len [/ip/hotspot/user/find where name~\"^(one|two)\\$\"]]\n\
         :put [/ip hotspot user get one limit-uptime]\n\
         :put [/ip hotspot user get [find name=two] disabled]\n\
         :put [/ip hotspot user print count-only where disabled]\n\
         /ip hotspot user set [find name=one] comment=changed !limit-uptime\n\
         :put [/ip hotspot user get one comment]\n\
         :put [:typeof [/ip hotspot user get one limit-uptime]]\n\
         /ip hotspot user disable [find where name=one]\n\
         /ip hotspot user remove [find where name=nobody]\n\
         :foreach u in=[/ip hotspot user find where !disabled and name!=\"default-trial\"] do={ :put $u }\n\
         :put ([/ip hotspot user print as-value where name=two]->0->\"name\")\n\
         :put [/system resource get version]\n\
         :put [/system/identity/get name]\n",
    )
    .await;
    assert_eq!(lines, ["2", "01:00:00", "true", "1", "changed", "nothing", "two", "7.22.1 (stable)", "MikroTik"]);
    // Rows by the numbers of the last print, and never without one.
    assert_eq!(sim.paste("/ip hotspot profile set 0 name=x").await.error(), Some("no such item"));
    assert_eq!(sim.paste("/ip hotspot user print\n/ip hotspot user remove 1").await.error(), None);
    assert_eq!(sim.users().len(), 2);
}

#[tokio::test]
async fn a_variable_named_like_a_property_is_the_property() {
    let sim = router().await;
    let text = "{ :local name nobody; :put [:len [/ip hotspot user find where name=$name]] }\n\
                { :local who nobody; :put [:len [/ip hotspot user find where name=$who]] }";
    assert_eq!(prints(&sim, text).await, ["1", "0"]);
}

#[tokio::test]
async fn locals_end_with_their_line_and_globals_stay() {
    let sim = router().await;
    assert_eq!(prints(&sim, ":local a 1\n:put \"<$a>\"\n:global b 2\n:put $b").await, ["<>", "2"]);
    let mut api = Api::login(&sim).await;
    api.add(&["/system/script/add", "=name=s", "=source=:global b; :set b ($b + 1)"]).await;
    api.add(&["/system/script/add", "=name=t", "=source=:put \"undeclared <$b>\""]).await;
    api.does(&["/system/script/run", "=.id=s"]).await;
    assert_eq!(prints(&sim, ":put $b\n/system script run t").await, ["3", "undeclared <>"]);
}

#[tokio::test]
async fn what_never_ends_is_ended() {
    let sim = router().await;
    for text in [
        ":while (true) do={}",
        ":global f do={ :global f; $f }; $f",
        ":local a \"xxxxxxxx\"; :while (true) do={ :set a ($a . $a) }",
        ":while (true) do={ :put aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa }",
        ":while (true) do={ :delay 1s }",
    ] {
        let seen = sim.paste(text).await;
        assert!(seen.error().unwrap().starts_with("script stopped: "), "{text}: {:?}", seen.error());
    }
    let deep = format!(":put {}1{}", "(".repeat(500), ")".repeat(500));
    assert!(sim.paste(&deep).await.error().unwrap().starts_with("too deep"));
}

#[tokio::test]
async fn the_scheduler_fires_on_the_routers_clock() {
    let sim = router().await;
    let text = "/system script add name=tick policy=read,write,test source={ :log info \"tick\" }\n\
                /system scheduler add name=every interval=30s on-event=tick policy=read,write,test\n\
                /system scheduler add name=once start-time=startup on-event=\":log info boot\"\n\
                /system scheduler add name=late start-date=2026-11-22 start-time=06:10:00 on-event={ :log info late }\n";
    assert_eq!(sim.paste(text).await.error(), None);
    let logged = |what: &str| {
        let rows = sim.rows("/log").unwrap();
        rows.iter().filter(|row| value(row, "message") == what).count()
    };
    sim.advance(secs(89));
    assert_eq!((logged("tick"), logged("boot"), logged("late")), (2, 1, 0));
    sim.advance(secs(600));
    assert_eq!((logged("tick"), logged("boot"), logged("late")), (22, 1, 1));
    let rows = sim.rows("/system/scheduler").unwrap();
    assert_eq!((value(&rows[0], "run-count"), value(&rows[0], "owner")), ("22", "admin"));
    assert_eq!(value(&rows[0], "next-run"), "2026-11-22 06:11:30");
    assert_eq!(sim.paste("/system scheduler disable every").await.error(), None);
    sim.advance(secs(600));
    assert_eq!(logged("tick"), 22);
    // At startup again after a reboot.
    sim.reboot(simulators::routeros::Reboot::Clean);
    sim.advance(secs(3));
    assert_eq!(logged("boot"), 1, "the log itself was lost");
}

#[tokio::test]
async fn a_script_that_may_less_does_less() {
    let sim = router().await;
    let text = "/system script add name=s policy=read,test source={ /ip hotspot user add name=x }\n\
                /system script add name=greedy source={ :put 1 }\n\
                /system scheduler add name=s interval=1m on-event=s policy=read,test\n\
                /system scheduler add name=greedy interval=1m on-event=greedy policy=read,test\n";
    assert_eq!(sim.paste(text).await.error(), None);
    sim.advance(secs(60));
    assert_eq!(sim.users().len(), 1);
    let rows = sim.rows("/log").unwrap();
    let why: Vec<&str> =
        rows.iter().map(|row| value(row, "message")).filter(|text| text.contains("not enough")).collect();
    assert_eq!(why, ["(s) not enough permissions (9)", "(greedy) not enough permissions (9)"]);
}

#[tokio::test]
async fn the_reaper_of_the_product_takes_off_who_is_expired() {
    let sim = router().await;
    let mut api = Api::login(&sim).await;
    let source = include_str!("../../../../hotspot/bando-reap.rsc");
    api.add(&["/system/script/add", "=name=bando-reap", "=policy=read,write,test", &format!("=source={source}")]).await;
    let expiry = sim.state().true_epoch_secs + 90;
    let comment = format!("=comment=bando1;g=1;e={expiry}");
    api.add(&["/ip/hotspot/user/add", &format!("=name={MAC}"), &comment]).await;
    sim.join(MAC).unwrap();
    assert_eq!(sim.client(MAC).unwrap().state, ClientState::Online);
    api.does(&["/system/script/run", "=.id=bando-reap"]).await;
    assert_eq!(sim.client(MAC).unwrap().state, ClientState::Online);
    sim.advance(secs(90));
    api.does(&["/system/script/run", "=.id=bando-reap"]).await;
    assert_eq!((sim.users().len(), sim.client(MAC).unwrap().state), (1, ClientState::Portal));
}
