//! The one table of environment variables: names, defaults and explanations. Parsing reads through it and
//! `bando config sample` prints it, so the sample cannot differ from what is understood.

/// What holds when a variable is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// The start stops without it.
    Required,
    /// It may be left out; the explanation says what then holds.
    Optional,
    /// This text is read instead.
    Text(&'static str),
}

/// One environment variable.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Such as `PORT`.
    pub name: &'static str,
    /// What holds when it is not set.
    pub fallback: Fallback,
    /// A value that shows the form; printed in the sample when there is no default.
    pub example: &'static str,
    /// Plain sentences for the person who fills in the file.
    pub about: &'static str,
}

/// Variables that belong together in the sample.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// In the order of the sample.
    pub variables: &'static [Variable],
}

macro_rules! variables {
    ($($name:ident: $fallback:expr, $example:literal, $about:literal;)+) => {
        $(
            #[doc = $about]
            pub const $name: Variable =
                Variable { name: stringify!($name), fallback: $fallback, example: $example, about: $about };
        )+
    };
}

use Fallback::{Optional, Required, Text};

variables! {
    DATABASE_URL: Required, "mysql://bando:password@127.0.0.1:3306/bando",
        "MySQL 8 or MariaDB 10.6 or newer. The user needs all rights on its own database. A socket works too: mysql://bando@localhost/bando?socket=/run/mysqld/mysqld.sock";
    APP_SECRET: Required, "",
        "At least 32 characters that nobody can guess; make them with: openssl rand -hex 32. It seals router passwords in the database, so keep it: with another one they have to be entered again. To change it, see APP_SECRET_OLD.";
    APP_SECRET_OLD: Optional, "",
        "Only while APP_SECRET is being changed: the secret used until now. With both set, everything goes on working; then run `bando secret rotate`, and remove this when it says so.";
    HOST: Text("127.0.0.1"), "0.0.0.0",
        "The address to listen on. 127.0.0.1 is this machine only; 0.0.0.0 is every network.";
    PORT: Text("8080"), "8080",
        "The port to listen on. 0 lets the system choose a free one.";
    PUBLIC_URL: Optional, "https://wifi.example.co.ke",
        "The address under which customers and Safaricom reach this server. With https, cookies are marked Secure and browsers are told to stay on https. When left out: http://HOST:PORT.";
    TRUSTED_PROXIES: Optional, "127.0.0.1/32,10.0.0.0/8",
        "Addresses or networks of reverse proxies whose X-Forwarded-For may be believed. When left out, nobody's is.";
    ADMIN_USERNAME: Text("admin"), "admin",
        "Name of the first owner. Only used when the database has no owner yet; afterwards: bando admin.";
    ADMIN_PASSWORD: Optional, "",
        "Password of the first owner, at least 10 characters. When left out, make an owner with: bando admin add.";
    MPESA_ENV: Text("sandbox"), "production",
        "sandbox or production.";
    MPESA_BASE_URL: Optional, "http://127.0.0.1:4010",
        "Another address for Daraja, such as the simulator. When left out, Safaricom's own for MPESA_ENV.";
    MPESA_CONSUMER_KEY: Optional, "",
        "Consumer key of your Daraja app (developer.safaricom.co.ke). Required, except with a simulator on this machine.";
    MPESA_CONSUMER_SECRET: Optional, "",
        "Consumer secret of your Daraja app. Required, except with a simulator on this machine.";
    MPESA_SHORTCODE: Optional, "174379",
        "Your paybill number, or the store number (head office) of a till. Required in production; in the sandbox 174379 when left out.";
    MPESA_PASSKEY: Optional, "",
        "Passkey Safaricom sent for the shortcode. Required in production; in the sandbox the public test key when left out.";
    MPESA_TRANSACTION_TYPE: Text("CustomerPayBillOnline"), "CustomerBuyGoodsOnline",
        "CustomerPayBillOnline for a paybill, CustomerBuyGoodsOnline for a till.";
    MPESA_TILL: Optional, "5012345",
        "Your till number; required with CustomerBuyGoodsOnline.";
    MPESA_CALLBACK_URL: Optional, "https://wifi.example.co.ke/api/pay/hook",
        "Where Safaricom reports payments: your public address followed by /api/pay/hook or /api/mpesa/callback. A secret part is added for each payment. https in production. When left out: PUBLIC_URL/api/pay/hook.";
    MPESA_CALLBACK_IPS: Optional, "verify",
        "Whether reports must come from Safaricom's published addresses: off takes no notice, verify asks M-Pesa before believing a report from elsewhere, enforce refuses it. When left out: verify, or off with a simulator on this machine.";
    MPESA_CALLBACK_CONFIRM: Text("suspicious"), "always",
        "suspicious: a report that fits is believed at once, anything else is confirmed by asking M-Pesa. always: every success is confirmed by asking first, which takes some seconds longer.";
    MPESA_QUERY_DELAYS: Optional, "25,45,75,110,180,600,1800,7200,43200,86400",
        "Seconds after a prompt at which M-Pesa is asked how it stands, while nothing was reported. When left out, Bando's own schedule.";
    MPESA_QUERY_PER_MINUTE: Optional, "20",
        "How many such questions a minute at most. When left out: 5 in the sandbox, which allows no more, and 20 in production.";
    MPESA_INITIATOR: Optional, "bandoapi",
        "User name of an API operator in the M-Pesa organisation portal. With it Bando checks codes that customers show and sends payments back. Without it a person does both.";
    MPESA_SECURITY_CREDENTIAL: Optional, "",
        "The operator's password as the Daraja portal encrypts it (APIs, Security credentials); it ends with the password, every 90 days. Set both or none.";
    MPESA_PULL: Text("off"), "on",
        "on asks M-Pesa every hour for all that was paid to the shortcode in the last 48 hours, so that no report is ever missed. Safaricom has to switch Pull Transactions on for the shortcode, then register once with: bando mpesa register-pull.";
    PAY_PER_SECOND: Text("50"), "50",
        "How many payments a second may begin, over time, from everybody together.";
    PAY_BURST: Text("200"), "200",
        "How many payments may begin together.";
    PAY_PER_ADDRESS: Text("600"), "600",
        "How many unpaid payments may begin in ten minutes from one address. A whole hotspot may be behind one.";
    MPESA_QUERY_GRACE_SECS: Text("90"), "90",
        "A failure that was only learnt by asking is final from this age of the prompt, because such answers have been seen to come too early.";
    MIKROTIK_HOST: Optional, "192.168.88.1",
        "The first router. Only used when the database has none yet; afterwards: bando router.";
    MIKROTIK_PORT: Optional, "8728",
        "Its API port. When left out: 8728, or 8729 with a pinned certificate.";
    MIKROTIK_USERNAME: Text("admin"), "bando",
        "A router user with the rights api, read, write.";
    MIKROTIK_PASSWORD: Optional, "",
        "Its password.";
    MIKROTIK_TLS: Text("off"), "pin:<64 hex digits>",
        "off, or pin: followed by the SHA-256 fingerprint of the router's certificate.";
    BANDO_ROUTER_SOURCES: Optional, "203.0.113.5",
        "Addresses or networks from which this server connects to routers, with commas between; routers set up in one paste take connections from nowhere else. When left out: the address of PUBLIC_URL.";
    BANDO_TUNNEL_ENDPOINT: Optional, "wifi.example.co.ke:51820",
        "Where routers find the server's WireGuard, for routers that cannot be reached from outside. Set all three BANDO_TUNNEL settings or none.";
    BANDO_TUNNEL_PUBLIC_KEY: Optional, "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
        "The server's WireGuard public key, as wg pubkey prints it.";
    BANDO_TUNNEL_NETWORK: Optional, "10.66.0.0/16",
        "The network inside the tunnel. The server has its first address, each router one of the others.";
    LOG_FORMAT: Text("pretty"), "json",
        "pretty for people, json for programs.";
    LOG_LEVEL: Text("info"), "info,billing=debug",
        "error, warn, info, debug or trace; also by part, such as info,billing=debug.";
    BANDO_WEB_DIR: Optional, "target/web",
        "For development: serve the browser files from this folder instead of those inside the program.";
}

/// Every variable, in the order of the sample.
pub const SECTIONS: &[Section] = &[
    Section { title: "Database and secret", variables: &[DATABASE_URL, APP_SECRET, APP_SECRET_OLD] },
    Section { title: "Address", variables: &[HOST, PORT, PUBLIC_URL, TRUSTED_PROXIES] },
    Section { title: "First owner", variables: &[ADMIN_USERNAME, ADMIN_PASSWORD] },
    Section {
        title: "M-Pesa",
        variables: &[
            MPESA_ENV,
            MPESA_BASE_URL,
            MPESA_CONSUMER_KEY,
            MPESA_CONSUMER_SECRET,
            MPESA_SHORTCODE,
            MPESA_PASSKEY,
            MPESA_TRANSACTION_TYPE,
            MPESA_TILL,
            MPESA_CALLBACK_URL,
            MPESA_CALLBACK_IPS,
            MPESA_CALLBACK_CONFIRM,
            MPESA_QUERY_DELAYS,
            MPESA_QUERY_PER_MINUTE,
            MPESA_INITIATOR,
            MPESA_SECURITY_CREDENTIAL,
            MPESA_PULL,
            MPESA_QUERY_GRACE_SECS,
        ],
    },
    Section { title: "Limits on pressing pay", variables: &[PAY_PER_SECOND, PAY_BURST, PAY_PER_ADDRESS] },
    Section {
        title: "First router",
        variables: &[MIKROTIK_HOST, MIKROTIK_PORT, MIKROTIK_USERNAME, MIKROTIK_PASSWORD, MIKROTIK_TLS],
    },
    Section {
        title: "Connecting routers",
        variables: &[BANDO_ROUTER_SOURCES, BANDO_TUNNEL_ENDPOINT, BANDO_TUNNEL_PUBLIC_KEY, BANDO_TUNNEL_NETWORK],
    },
    Section { title: "Running", variables: &[LOG_FORMAT, LOG_LEVEL, BANDO_WEB_DIR] },
];

/// Every name there is.
pub fn names() -> impl Iterator<Item = &'static str> {
    SECTIONS.iter().flat_map(|section| section.variables).map(|variable| variable.name)
}

/// The annotated `.env.sample`.
#[must_use]
pub fn sample() -> String {
    let mut text = String::from(
        "# Bando reads these from the environment and from a file named .env in the folder it is started in;\n\
         # the environment wins. Lines with # in front show the default or the form.\n\
         # Put values with spaces, # or $ in single quotes.\n\
         # This file is printed by: bando config sample\n",
    );
    for section in SECTIONS {
        text.push_str(&format!("\n# --- {} ---\n", section.title));
        for variable in section.variables {
            text.push('\n');
            for line in wrapped(variable.about, 100) {
                text.push_str(&format!("# {line}\n"));
            }
            text.push_str(&match variable.fallback {
                Fallback::Required => format!("{}={}\n", variable.name, variable.example),
                Fallback::Optional => format!("#{}={}\n", variable.name, variable.example),
                Fallback::Text(default) => format!("#{}={default}\n", variable.name),
            });
        }
    }
    text
}

/// Breaks a sentence into lines of at most `width` characters at spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let starts_new = lines.last().is_some_and(|line| !line.is_empty() && line.len() + 1 + word.len() > width);
        if starts_new {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
