//! The command line, as a person at a shell uses it.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use sqlx::MySqlPool;

use crate::support::{PASSWORD, World, bando, database_url, server_url};

/// The program with nothing of this process's environment, in an empty folder.
pub(crate) struct Shell {
    pub(crate) settings: Vec<(String, String)>,
}

impl Shell {
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(bando());
        command.args(arguments).env_clear().envs(self.settings.iter().map(|(k, v)| (k, v)));
        command.current_dir(std::env::temp_dir()).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed and gives what it printed.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(arguments)).unwrap()
    }

    /// Runs a command that must fail and gives its exit code and what it said.
    pub(crate) fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut settings = self.settings.clone();
        settings.retain(|(known, _)| known != name);
        settings.push((name.to_owned(), value.to_owned()));
        Self { settings }
    }
}

pub(crate) async fn shell(pool: &MySqlPool) -> (World, Shell) {
    let world = World::start().await;
    let settings = world.settings(&database_url(pool));
    (world, Shell { settings })
}

pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn packages_vouchers_and_settings(pool: MySqlPool) {
    let (_world, shell) = shell(&pool).await;
    blocking(move || {
        assert!(
            shell.done(&["package", "add", "--name", "1 hour", "--minutes", "60", "--price", "20"]).contains("KES 20")
        );
        let day = ["package", "add", "--name", "1 day", "--minutes", "1440", "--price", "100", "--down-kbps", "5000"];
        let (code, said) = shell.refused(&day);
        assert_eq!(code, 2, "one speed is not enough: {said}");
        let added: Vec<&str> =
            day.iter().copied().chain(["--up-kbps", "2000", "--data-mb", "2000", "--json"]).collect();
        assert_eq!(shell.json(&added)["down_kbps"], 5000);
        let packages = shell.json(&["package", "list", "--json"]);
        assert_eq!(packages.as_array().unwrap().len(), 2);
        assert!(shell.done(&["package", "list"]).contains("1 hour"));
        assert_eq!(shell.refused(&["package", "add", "--name", "x", "--minutes", "1", "--price", "0"]).0, 2);

        let id = packages[0]["id"].as_str().unwrap();
        let codes = shell.json(&["voucher", "create", "--package", id, "--count", "3", "--json"]);
        assert_eq!(codes.as_array().unwrap().len(), 3);
        assert!(shell.refused(&["voucher", "create", "--package", "x"]).1.contains("bando package list"));
        assert_eq!(shell.refused(&["voucher", "create", "--package", id, "--count", "0"]).0, 2);

        shell.done(&["settings", "set", "business_name", "Mama Njeri WiFi"]);
        assert_eq!(shell.done(&["settings", "get", "business_name"]).trim(), "Mama Njeri WiFi");
        assert_eq!(shell.json(&["settings", "list", "--json"])["business_name"], "Mama Njeri WiFi");
        assert!(shell.refused(&["settings", "set", "time_zone", "Mars/Base"]).1.contains("Africa/Nairobi"));
        assert_eq!(shell.refused(&["settings", "get", "colour"]).0, 2);
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn admins_and_their_passwords(pool: MySqlPool) {
    let (_world, shell) = shell(&pool).await;
    blocking(move || {
        let with_password = |arguments: &[&str], password: &str| {
            let mut command = shell.command(arguments);
            let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
        };
        let add = ["admin", "add", "--username", "njeri", "--password-stdin"];
        assert_eq!(
            with_password(&add, "short"),
            (2, "bando: A password needs at least 10 and at most 200 characters.\n".into())
        );
        assert_eq!(with_password(&add, PASSWORD).0, 0);
        let (code, said) = with_password(&add, PASSWORD);
        assert!(code == 1 && said.contains("already an admin"), "{said}");
        assert_eq!(
            with_password(&["admin", "reset", "--username", "njeri", "--password-stdin"], "another long one\n").0,
            0
        );
        assert_eq!(with_password(&["admin", "reset", "--username", "nobody", "--password-stdin"], PASSWORD).0, 1);
        let (code, said) = shell.refused(&["admin", "add", "--username", "otieno"]);
        assert!(code == 2 && said.contains("--password-stdin"), "{said}");
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn routers_are_added_listed_and_tested(pool: MySqlPool) {
    let (world, shell) = shell(&pool).await;
    let port = world.router.addr().port().to_string();
    blocking(move || {
        let (code, said) = shell.refused(&["router", "test"]);
        assert!(code == 1 && said.contains("bando router add"), "{said}");
        let add = |name: &str, password: &str| {
            shell.done(&[
                "router",
                "add",
                "--name",
                name,
                "--host",
                "127.0.0.1",
                "--port",
                &port,
                "--password",
                password,
            ])
        };
        assert!(add("Main cafe", "bando").contains("/w/main-cafe"));
        add("Roof", "wrong");
        let listed = shell.json(&["router", "list", "--json"]);
        assert_eq!(listed.as_array().unwrap().len(), 2);
        assert!(!listed.to_string().contains("bando\""), "no password is printed: {listed}");
        // The router lets customers on, but its pages are not ours yet.
        let output = shell.run(&["router", "test", "main-cafe"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.starts_with("ok") && output.status.code() == Some(1), "{text}");
        let troubles: Vec<&str> = text.lines().filter(|line| line.starts_with("PROBLEM")).collect();
        assert!(troubles.iter().all(|line| line.contains("walled-garden") || line.contains("login-page")), "{text}");
        let output = shell.run(&["router", "test"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1));
        let roof = text.lines().find(|line| line.contains("router roof") && line.contains("login:")).unwrap();
        assert!(roof.starts_with("PROBLEM") && roof.contains("password"), "{roof}");
        let tls = ["router", "add", "--name", "x", "--host", "h", "--password", "p", "--tls", "pin:12"];
        assert_eq!(shell.refused(&tls).0, 2);
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn doctor_says_what_is_wrong_and_what_to_do(pool: MySqlPool) {
    let (_world, shell) = shell(&pool).await;
    blocking(move || {
        let line = |shell: &Shell, subject: &str| {
            let text = String::from_utf8(shell.run(&["doctor"]).stdout).unwrap();
            text.lines().find(|line| line.contains(subject)).unwrap_or_else(|| panic!("{subject}: {text}")).to_owned()
        };
        assert!(line(&shell, "database rights").starts_with("ok"));
        assert!(line(&shell, "M-Pesa").starts_with("ok"));
        assert!(line(&shell, "migrations").starts_with("ok"));
        assert!(line(&shell, "clock").starts_with("ok"));
        assert!(line(&shell, "routers").contains("bando router add"));
        assert!(line(&shell, "admin").contains("bando admin add"));
        let refused = line(&shell.with("MPESA_CONSUMER_SECRET", "wrong"), "M-Pesa");
        assert!(refused.starts_with("PROBLEM") && refused.contains("consumer key and secret"), "{refused}");
        let elsewhere = line(&shell.with("DATABASE_URL", "mysql://bando:wrong@127.0.0.1:1/x"), "database");
        assert!(elsewhere.starts_with("PROBLEM") && elsewhere.contains("DATABASE_URL"), "{elsewhere}");
        let checks: Value = serde_json::from_slice(&shell.run(&["doctor", "--json"]).stdout).unwrap();
        assert!(checks.as_array().unwrap().iter().any(|check| check["outcome"] == "problem"));
        assert_eq!(shell.run(&["doctor"]).status.code(), Some(1));
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_wrong_database_user_or_name_is_one_clear_line(pool: MySqlPool) {
    let (_world, shell) = shell(&pool).await;
    blocking(move || {
        let mut wrong = server_url();
        wrong.set_password(Some("not-the-password")).unwrap();
        wrong.set_path("x");
        let (code, said) = shell.with("DATABASE_URL", wrong.as_str()).refused(&["migrate"]);
        assert!(code != 0 && said.lines().count() == 1 && said.contains("refuses the user or password"), "{said}");
        let mut missing = server_url();
        missing.set_path("bando_no_such_database");
        let (code, said) = shell.with("DATABASE_URL", missing.as_str()).refused(&["migrate"]);
        assert!(code != 0 && said.lines().count() == 1 && said.contains("does not exist"), "{said}");
        let (code, said) = shell.with("DATABASE_URL", "mysql://u:p@127.0.0.1:1/x").refused(&["package", "list"]);
        assert!(code == 3 && said.lines().count() == 1, "{said}");
    })
    .await;
}

#[sqlx::test(migrations = false)]
async fn the_database_is_brought_up_to_date_once_by_two(pool: MySqlPool) {
    let (_world, shell) = shell(&pool).await;
    blocking(move || {
        assert!(shell.refused(&["package", "list"]).1.contains("bando migrate"));
        let start = || shell.command(&["migrate"]).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let both = [start(), start()];
        for child in both {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        assert_eq!(shell.json(&["package", "list", "--json"]), serde_json::json!([]));
        let findings = shell.json(&["audit", "--json"]);
        assert!(findings.as_array().unwrap().iter().all(|finding| finding["holds"] == true), "{findings}");
        assert!(!shell.done(&["audit"]).contains("BROKEN"));
    })
    .await;
}

#[test]
fn settings_are_checked_before_anything_else() {
    let shell = Shell { settings: vec![("PORT".into(), "x".into())] };
    let (code, said) = shell.refused(&["serve"]);
    assert_eq!(code, 2);
    for name in ["PORT", "DATABASE_URL", "APP_SECRET", "MPESA_CONSUMER_KEY"] {
        assert_eq!(said.lines().filter(|line| line.starts_with(&format!("bando: {name} "))).count(), 1, "{said}");
    }
    let sample = shell.done(&["config", "sample"]);
    assert!(sample.contains("\nDATABASE_URL=") && sample.contains("\n#PORT=8080\n"), "{sample}");
    for arguments in [vec!["--help"], vec!["router", "add", "--help"], vec!["doctor", "--help"]] {
        assert!(shell.done(&arguments).contains("Usage:"), "{arguments:?}");
    }
    assert_eq!(shell.refused(&["fly"]).0, 2);
}

#[test]
fn a_file_with_a_misspelt_name_is_refused() {
    let path = std::env::temp_dir().join(format!("bando-test-{}.env", std::process::id()));
    std::fs::write(&path, "DATABASE_URI=mysql://u:p@h/d\nAPP_SECRET='0123456789abcdef0123456789abcdef'\n").unwrap();
    let shell = Shell { settings: vec![("MPESA_BASE_URL".into(), "http://127.0.0.1:1".into())] };
    let (code, said) = shell.refused(&["--env-file", path.to_str().unwrap(), "config", "check"]);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(code, 2);
    assert!(said.contains("DATABASE_URI is not a setting of Bando: did you mean DATABASE_URL?"), "{said}");
    assert!(!said.contains("mysql://u:p"), "{said}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_statement_is_imported_and_compared_at_the_shell(pool: MySqlPool) {
    let (world, shell) = shell(&pool).await;
    let receipt = world.mpesa.control().pay_by_hand("254712000777", "174379", 30, "x").unwrap();
    let file = std::env::temp_dir().join(format!("{receipt}.csv"));
    std::fs::write(&file, world.mpesa.control().statement(None, None, None).unwrap()).unwrap();
    blocking(move || {
        let path = file.to_str().unwrap();
        let report = shell.json(&["statement", "import", path, "--json"]);
        assert_eq!((&report["missing_here"]["count"], &report["is_repeat"]), (&1.into(), &false.into()), "{report}");
        assert_eq!(report["imported_by"], "cli");
        let said = shell.done(&["statement", "import", path]);
        assert!(said.contains("imported before") && said.contains("missing here") && said.contains("30.00"), "{said}");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(shell.refused(&["statement", "import", path]).0, 2);
        assert_eq!(shell.refused(&["statement", "import", "/dev/null"]).0, 2);
        assert_eq!(shell.refused(&["mpesa", "pull", "--hours", "49"]).0, 2);
        assert_eq!(shell.refused(&["mpesa", "register-pull", "--phone", "911"]).0, 2);
        assert!(shell.done(&["mpesa", "register-pull", "--phone", "0712345678"]).contains("is registered"));
        assert!(shell.done(&["mpesa", "register-pull", "--phone", "0712345678"]).contains("before"));
        let pulled = shell.json(&["mpesa", "pull", "--json"]);
        assert_eq!((&pulled["lines"], &pulled["settled"]), (&1.into(), &0.into()), "{pulled}");
        // What waits for a person is said, but nothing is broken.
        let said = shell.done(&["audit"]);
        assert!(said.contains("ok       No receipt is counted twice"), "{said}");
    })
    .await;
}
