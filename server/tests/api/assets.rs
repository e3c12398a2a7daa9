//! Browser files: stored compressed, named by their content, kept for ever, and the policy that names the
//! page's own style.

use std::{fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use sqlx::MySqlPool;

use crate::support::{Stack, client, error_of, text_of};

const CSS: &str = "body{color:#123}";

/// A folder as the build of the browser side leaves it.
struct WebFolder(PathBuf);

impl WebFolder {
    fn new() -> Self {
        let folder =
            std::env::temp_dir().join(format!("bando-web-{}-{:?}", std::process::id(), std::thread::current().id()));
        fs::create_dir_all(&folder).unwrap();
        let names = ["portal.css", "portal.js", "boot.js", "refresh.js", "admin.css", "admin.js"];
        let hashed = |name: &str| name.replacen('.', "-00ff.", 1);
        let manifest: serde_json::Map<String, serde_json::Value> =
            names.iter().map(|name| ((*name).to_owned(), hashed(name).into())).collect();
        fs::write(folder.join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
        for name in names {
            fs::write(folder.join(hashed(name)), if name == "portal.css" { CSS } else { "plain" }).unwrap();
            fs::write(folder.join(format!("{}.br", hashed(name))), "brotli").unwrap();
            fs::write(folder.join(format!("{}.gz", hashed(name))), "gzip").unwrap();
        }
        fs::write(folder.join(".hidden"), "secret").unwrap();
        Self(folder)
    }
}

impl Drop for WebFolder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn files_are_stored_compressed_and_kept_for_ever(pool: MySqlPool) {
    let folder = WebFolder::new();
    let stack = Stack::start_with(&pool, &[("BANDO_WEB_DIR", folder.0.to_str().unwrap())]).await;
    for (accepts, encoding, body) in [
        ("gzip, deflate, br", "br", "brotli"),
        ("gzip", "gzip", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip", "gzip"),
        ("identity", "", "plain"),
        ("br;q=0", "", "plain"),
    ] {
        let request = client().get(stack.at("/assets/portal-00ff.js")).header("accept-encoding", accepts);
        let answer = request.send().await.unwrap();
        assert_eq!(text_of(answer.headers(), "content-encoding"), encoding, "{accepts}");
        assert_eq!(text_of(answer.headers(), "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(text_of(answer.headers(), "vary"), "accept-encoding");
        assert!(text_of(answer.headers(), "content-type").starts_with("text/javascript"), "{accepts}");
        assert_eq!(answer.text().await.unwrap(), body, "{accepts}");
    }
    for path in [
        "/assets/.hidden",
        "/assets/none.js",
        "/assets/..%2f..%2fetc/passwd",
        "/assets//etc/passwd",
        "/assets/portal-00ff.js%00",
    ] {
        assert_eq!(error_of(stack.get(path).await).await.0, 404, "{path}");
    }
    stack.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_name_their_files_and_the_policy_their_style(pool: MySqlPool) {
    let folder = WebFolder::new();
    let stack = Stack::start_with(&pool, &[("BANDO_WEB_DIR", folder.0.to_str().unwrap())]).await;
    let answer = stack.get("/").await;
    let policy = text_of(answer.headers(), "content-security-policy");
    let hash = STANDARD.encode(Sha256::digest(CSS));
    assert!(policy.contains(&format!("style-src 'sha256-{hash}'")), "{policy}");
    let page = answer.text().await.unwrap();
    assert!(page.contains(&format!("<style>{CSS}</style>")), "{page}");
    assert!(page.contains("/assets/boot-00ff.js") && page.contains("/assets/portal-00ff.js"), "{page}");

    for path in ["/admin", "/admin/", "/admin/payments/42"] {
        let answer = stack.get(path).await;
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        assert!(text_of(answer.headers(), "content-security-policy").contains("style-src 'self'"));
        let page = answer.text().await.unwrap();
        assert!(page.contains("/assets/admin-00ff.css") && page.contains("/assets/admin-00ff.js"), "{page}");
        assert!(!page.contains("portal-00ff"), "{page}");
    }
    stack.stop().await;
}
