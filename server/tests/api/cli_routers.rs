//! Routers from the command line: connected in one paste, taken out of use and back, and asked why.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStdout, Stdio},
};

use serde_json::{Value, json};
use simulators::routeros::{ClockMode, Options, ServerProfile, Sim};
use sqlx::MySqlPool;

use crate::{
    cli::{Shell, blocking},
    support::{MAC, MSISDN, PATIENCE, PHONE, Stack, database_url},
};

impl Stack {
    /// A shell with the settings of this server.
    fn shell(&self, pool: &MySqlPool) -> Shell {
        let settings = self.world.settings(&database_url(pool));
        Shell { settings }.with("PUBLIC_URL", &self.url)
    }
}

/// A running command whose lines are read as they come. It is killed when the test ends.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
    said: String,
}

impl Running {
    fn start(shell: &Shell, arguments: &[&str]) -> Self {
        let mut command = shell.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines, said: String::new() }
    }

    /// The next line that begins like this.
    fn line(&mut self, start: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "it ended without {start:?}: {}", self.said);
            self.said.push_str(&line);
            if line.starts_with(start) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// Everything it says until its end, its errors, and its exit code.
    fn end(mut self) -> (String, String, Option<i32>) {
        self.lines.read_to_string(&mut self.said).unwrap();
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (std::mem::take(&mut self.said), errors, self.child.wait().unwrap().code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A router out of somebody's shop, whose encrypted API is where its table says.
async fn bare_router() -> Sim {
    let sim = Sim::start(Options {
        clock: ClockMode::Real,
        server_profile: ServerProfile::Bare,
        tls: Some(([127, 0, 0, 1], 0).into()),
        api_certificate: false,
        fetch_patience: PATIENCE,
        ..Options::default()
    })
    .await
    .unwrap();
    sim.put_on_internet("pool.ntp.org", ([127, 0, 0, 1], 123).into());
    let port = sim.tls_addr().unwrap().port();
    let transcript = sim.paste(&format!("/ip service set api-ssl port={port}")).await;
    assert_eq!(transcript.error(), None, "{}", transcript.screen());
    sim
}

#[sqlx::test(migrations = "../migrations")]
async fn a_router_is_connected_from_the_terminal(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let shell = stack.shell(&pool);
    let sim = bare_router().await;
    let (mut setup, line) = blocking(move || {
        let mut setup = Running::start(&shell, &["router", "setup", "--name", "Site 7", "--yes"]);
        setup.line("Paste this line");
        let line = setup.line("/tool fetch");
        (setup, line)
    })
    .await;
    let transcript = sim.paste(&line).await;
    assert_eq!(transcript.error(), None, "{}", transcript.screen());
    let (said, errors, code) = blocking(move || {
        setup.line("On the router now:");
        setup.line("What will be changed:");
        setup.end()
    })
    .await;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{said}");
    assert!(said.contains("  - Make the user bando with few rights"), "{said}");
    assert!(said.contains("ok       Login page"), "{said}");
    assert!(said.contains("The router is connected."), "{said}");
    assert_eq!(said.matches("Nothing has been heard of the router yet.").count(), 1, "{said}");

    let shell = stack.shell(&pool);
    let (listed, tested) = blocking(move || {
        let listed = shell.json(&["router", "list", "--json"]);
        let output = shell.command(&["router", "test", "site-7"]).output().unwrap();
        (listed, String::from_utf8(output.stdout).unwrap())
    })
    .await;
    let site = listed.as_array().unwrap().iter().find(|router| router["router"] == "site-7").unwrap().clone();
    assert!(site["tls_pin"].is_string(), "{site}");
    assert!(tested.lines().any(|line| line.starts_with("ok") && line.contains("login-page:")), "{tested}");
    let problems: Vec<&str> = tested.lines().filter(|line| line.starts_with("PROBLEM")).collect();
    assert!(problems.is_empty(), "{tested}");

    // The last line printed takes everything back.
    let undo = said.trim_end().lines().last().unwrap();
    assert!(said.contains("This line takes everything back:") && undo.starts_with("/tool fetch"), "{said}");
    let transcript = sim.paste(undo).await;
    assert_eq!(transcript.error(), None, "{}", transcript.screen());
    assert!(sim.rows("/user").unwrap().iter().all(|row| !row.contains(&("name".to_owned(), "bando".to_owned()))));
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_set_up_says_what_it_lacks(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let shell = stack.shell(&pool);
    let sim = bare_router().await;
    let (unapproved, line) = blocking(move || {
        assert_eq!(shell.refused(&["router", "setup"]).0, 2, "a name or a router is needed");
        let (code, said) = shell.refused(&["router", "setup", "--name", " "]);
        assert!(code == 2 && said.contains("1 to 60 characters"), "{said}");
        let (code, said) = shell.refused(&["router", "setup", "--router", "nowhere"]);
        assert!(code == 2 && said.contains("bando router list"), "{said}");
        let (code, said) = shell.refused(&["router", "setup", "--name", "Main", "--yes"]);
        assert!(code == 1 && said.contains("already a router with this name"), "{said}");
        let (code, said) = shell.refused(&["router", "setup", "--name", "Hill", "--reach", "tunnel"]);
        assert!(code == 2 && said.contains("BANDO_TUNNEL_ENDPOINT"), "{said}");
        // Nobody is at the terminal to approve, and nobody said yes.
        let mut setup = Running::start(&shell, &["router", "setup", "--name", "Site 7"]);
        let line = setup.line("/tool fetch");
        (setup, line)
    })
    .await;
    let control = sim.control();
    let pasted = tokio::spawn(async move { control.paste(&line).await });
    let (said, errors, code) = blocking(move || unapproved.end()).await;
    assert!(code == Some(2) && errors.contains("or run this in a terminal or with --yes"), "{said} {errors}");
    assert!(said.contains("What will be changed:"), "{said}");
    pasted.abort();
    assert!(sim.rows("/user").unwrap().iter().all(|row| !row.contains(&("name".to_owned(), "bando".to_owned()))));
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn routers_go_out_of_use_and_back_and_customers_are_asked_about(pool: MySqlPool) {
    let stack = Stack::start(&pool).await;
    let package = stack.sell_an_hour().await;
    let shell = stack.shell(&pool);
    let shell = blocking(move || {
        let (code, said) = shell.refused(&["why", "hello there"]);
        assert!(code == 2 && said.contains("no phone number") && said.contains("0712 345 678"), "{said}");
        assert_eq!(shell.refused(&["why", PHONE]), (1, "bando: the customer is not on\n".to_owned()));
        let output = shell.command(&["why", PHONE]).output().unwrap();
        assert!(String::from_utf8(output.stdout).unwrap().contains("bought nothing"));
        let (code, said) = shell.refused(&["router", "remove", "nowhere", "--reason", "sold it"]);
        assert!(code == 2 && said.contains("bando router list"), "{said}");
        let (code, said) = shell.refused(&["router", "change", "main"]);
        assert!(code == 2 && said.contains("bando router change --help"), "{said}");
        shell
    })
    .await;
    let id = stack.pay(&package).await["payment_id"].as_str().unwrap().to_owned();
    stack.world.approve(MSISDN).await;
    stack.until_status(&id, "online").await;
    let shell = blocking(move || {
        let why = shell.done(&["why", MAC]);
        assert!(why.lines().all(|line| !line.starts_with("WRONG")), "{why}");
        assert_eq!(shell.json(&["why", PHONE, "--json"])["is_well"], true);
        let remove = ["router", "remove", "main", "--reason", "the shop has closed"];
        let (code, said) = shell.refused(&remove);
        assert!(code == 1 && said.contains("1 customer has paid time") && said.contains("--anyway"), "{said}");
        let anyway: Vec<&str> = remove.into_iter().chain(["--anyway"]).collect();
        assert!(shell.done(&anyway).contains("bando router restore main"));
        assert!(shell.done(&["router", "list"]).contains("bando router setup"), "an empty list says what to do");
        assert!(shell.done(&["router", "list", "--removed"]).contains("main"));
        assert_eq!(shell.refused(&["router", "test", "main"]).0, 2);
        assert!(shell.done(&["router", "restore", "main", "--reason", "open again"]).contains("in use again"));
        assert_eq!(shell.done(&["router", "list", "--removed"]).trim(), "every router is in use");
        shell
    })
    .await;
    let logged: Vec<(String, String)> = sqlx::query_as(
        "select action, detail from logs where action in ('router.remove', 'router.restore') order by id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let logged: Value = json!(logged);
    assert!(logged.to_string().contains("the shop has closed (1 customer has paid time there)"), "{logged}");
    stack.until_status(&id, "online").await;
    blocking(move || {
        for command in ["add", "setup", "change", "remove", "restore", "list", "test"] {
            let help = shell.done(&["router", command, "--help"]);
            assert!(help.contains("Usage: bando router"), "{help}");
        }
        for command in [&["why", "--help"][..], &["secret", "rotate", "--help"]] {
            assert!(shell.done(command).contains("Usage: bando"), "{command:?}");
        }
    })
    .await;
    stack.stop().await;
}
