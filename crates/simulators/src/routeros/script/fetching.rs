//! `/tool/fetch` from a script: arguments to a request, the answer to a value or a file.

use super::{
    ast::{Args, Expr},
    machine::{Machine, Ran, Stop},
    value::{Array, NANOS, Value},
};
use crate::routeros::{
    fetch::{Method, Request, Trust},
    router::Router,
    trap::Trap,
};

/// Bytes `output=user` may hold (documented).
const DATA_BYTES_MAX: usize = 64 * 1024;

/// Where the answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    File,
    User,
    None,
}

impl Machine {
    async fn argument(&mut self, args: &Args, name: &str) -> Ran<Option<String>> {
        match args.get(name) {
            Some(expr) => Ok(Some(String::from_utf8_lossy(&self.wire(expr).await?).into_owned())),
            None => Ok(None),
        }
    }

    /// `/tool/fetch`.
    pub(super) async fn fetch(&mut self, args: &Args) -> Ran<Value> {
        let url = match args.positional.first().or_else(|| args.get("url")) {
            Some(expr) => String::from_utf8_lossy(&self.wire(expr).await?).into_owned(),
            None => return Err(Stop::error("missing value(s) of argument(s) url")),
        };
        let output = match self.argument(args, "output").await?.as_deref() {
            None | Some("file") => match self.argument(args, "keep-result").await?.as_deref() {
                Some("no" | "false") => Output::None,
                _ => Output::File,
            },
            Some("user" | "user-with-headers") => Output::User,
            Some("none") => Output::None,
            Some(_) => return Err(Stop::error("input does not match any value of output")),
        };
        let request = self.request(url, args).await?;
        let path = match self.argument(args, "dst-path").await?.filter(|path| !path.is_empty()) {
            Some(path) => path,
            None => request.url.path().rsplit('/').next().unwrap_or_default().to_owned(),
        };
        let login = self.host.login.clone();
        let allowed = self.host.with(move |router| router.may_fetch(&login, output == Output::File)).await;
        allowed?;
        let fetched = self.host.fetch(request).await;
        let status = match fetched {
            Ok(status) => status,
            Err(text) => {
                self.print_line(b"  status: failed")?;
                return Err(Stop::error(text));
            }
        };
        let size = status.body.len();
        let mut result = Array::default();
        result.keyed.insert("status".to_owned(), Value::text("finished"));
        let kib = i64::try_from(size.div_ceil(1024)).unwrap_or(i64::MAX);
        result.keyed.insert("downloaded".to_owned(), Value::Num(kib));
        result.keyed.insert("total".to_owned(), Value::Num(kib));
        result.keyed.insert("duration".to_owned(), Value::Time(NANOS));
        match output {
            Output::User if size > DATA_BYTES_MAX => return Err(Stop::error("failure: too much data for output=user")),
            Output::User => {
                result.keyed.insert("data".to_owned(), Value::Str(status.body));
            }
            Output::File => {
                let body = status.body;
                self.host.with(move |router| router.store_file(&path, body)).await?;
            }
            Output::None => {}
        }
        if !args.has_flag("as-value") && args.get("as-value").is_none() {
            let lines =
                format!("      status: finished\n  downloaded: {kib}KiB\n       total: {kib}KiB\n    duration: 1s\n");
            self.print(lines.as_bytes())?;
        }
        Ok(Value::Array(result))
    }

    async fn request(&mut self, url: String, args: &Args) -> Ran<Request> {
        let url = match self.argument(args, "mode").await? {
            Some(mode) if !url.contains("://") => format!("{mode}://{url}"),
            _ => url,
        };
        let url = url::Url::parse(&url).map_err(|_| Stop::error("failure: invalid URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Stop::error("failure: invalid URL protocol"));
        }
        let method = match self.argument(args, "http-method").await? {
            None => Method::Get,
            Some(word) => {
                Method::parse(&word).ok_or_else(|| Stop::error("input does not match any value of http-method"))?
            }
        };
        let data = match args.get("http-data") {
            Some(expr) => self.data(expr).await?,
            None => Vec::new(),
        };
        if data.len() > DATA_BYTES_MAX {
            return Err(Stop::error("failure: http-data is too long"));
        }
        let mut headers = Vec::new();
        for (_, expr) in args.named.iter().filter(|(name, _)| name == "http-header-field") {
            let fields = match expr {
                Expr::Array(_) => self.eval(expr).await?,
                other => Value::Str(self.wire(other).await?),
            };
            // One text with several fields is split at its commas, also where a value holds one (documented).
            for field in fields.to_array().items {
                let field = field.display();
                let (name, value) =
                    field.split_once(':').ok_or_else(|| Stop::error("failure: bad http-header-field"))?;
                headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        let trust = match self.argument(args, "check-certificate").await?.as_deref() {
            None | Some("no" | "false") => Trust::Anything,
            Some("yes" | "true") => Trust::WithRevocation,
            Some("yes-without-crl") => Trust::Chain,
            Some(_) => return Err(Stop::error("input does not match any value of check-certificate")),
        };
        let user = self.argument(args, "user").await?;
        let password = self.argument(args, "password").await?.unwrap_or_default();
        let redirects = self.argument(args, "http-max-redirect-count").await?;
        let redirects = redirects.and_then(|text| text.parse::<u8>().ok()).unwrap_or(0).min(10);
        let credentials = user.map(|user| (user, password));
        let mut request = Request { method, data, headers, trust, credentials, redirects, ..Request::new(url) };
        let prepared = self.host.with(move |router| {
            router.prepare(&mut request);
            request
        });
        Ok(prepared.await)
    }

    async fn data(&mut self, expr: &Expr) -> Ran<Vec<u8>> {
        self.wire(expr).await
    }
}

impl Router {
    /// Whether this account may fetch, and write files with it.
    fn may_fetch(&self, login: &crate::routeros::account::Login, to_file: bool) -> Result<(), Trap> {
        let writes = !to_file || !self.options.unconfirmed.fetch_to_file_needs_ftp || login.may("ftp");
        if !login.may("test") || !writes {
            return Err(Trap::permission());
        }
        if self.device_mode_blocks("/tool/fetch") { Err(Trap::device_mode()) } else { Ok(()) }
    }
}
