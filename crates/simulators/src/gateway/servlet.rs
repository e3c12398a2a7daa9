//! The router's page language: `$(variable)`, `$(variable-esc)`, `$(if …)`, and pages that set status and headers.
//!
//! Documented in the manual, *Hotspot customisation*. There is no HTML escaping; `-esc` encodes for addresses.

/// Ifs inside ifs that are followed; deeper ones are passed over.
const DEPTH_MAX: usize = 32;

/// A page after its variables were filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// 200 unless the page set another.
    pub(super) status: u16,
    /// Headers the page set.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// What happens to the text between `$(if …)` and `$(endif)`.
enum Use {
    /// It belongs to the page.
    Text,
    /// It is the reason of this status.
    Status(u16),
    /// It is the value of this header.
    Header(String),
}

struct Block {
    usage: Use,
    /// Whether the current branch is shown.
    shown: bool,
    /// Whether a branch was shown already.
    taken: bool,
    text: String,
}

impl Block {
    fn new(usage: Use, shown: bool) -> Self {
        Self { usage, shown, taken: shown, text: String::new() }
    }
}

/// Fills `template` in. Unknown variables are empty, an unclosed `$(` is left as it stands.
pub(super) fn render(template: &str, variables: &[(&str, String)]) -> Page {
    let mut page = Page { status: 200, headers: Vec::new(), body: String::new() };
    let mut blocks = vec![Block::new(Use::Text, true)];
    let mut rest = template;
    while let Some(at) = rest.find("$(") {
        let (text, tail) = rest.split_at(at);
        put(&mut blocks, text);
        let Some(end) = tail.find(')') else {
            rest = tail;
            break;
        };
        let expression = tail.get(2..end).unwrap_or_default().trim();
        rest = tail.get(end + 1..).unwrap_or_default();
        match expression.split_once(' ').map_or((expression, ""), |(word, more)| (word, more.trim())) {
            ("if", condition) if blocks.len() < DEPTH_MAX => blocks.push(open(condition, variables)),
            ("elif", condition) => branch(&mut blocks, holds(condition, variables)),
            ("else", _) => branch(&mut blocks, true),
            ("endif", _) if blocks.len() > 1 => close(&mut blocks, &mut page),
            ("if" | "endif", _) => {}
            (name, _) => put(&mut blocks, &value(name, variables)),
        }
    }
    put(&mut blocks, rest);
    while blocks.len() > 1 {
        close(&mut blocks, &mut page);
    }
    page.body = blocks.pop().map(|block| block.text).unwrap_or_default();
    page
}

fn put(blocks: &mut [Block], text: &str) {
    if blocks.iter().all(|block| block.shown)
        && let Some(block) = blocks.last_mut()
    {
        block.text.push_str(text);
    }
}

fn open(condition: &str, variables: &[(&str, String)]) -> Block {
    match condition.split_once("==").map(|(name, value)| (name.trim(), unquoted(value))) {
        Some(("http-status", status)) => match status.parse() {
            Ok(status) => Block::new(Use::Status(status), true),
            Err(_) => Block::new(Use::Text, false),
        },
        Some(("http-header", name)) => Block::new(Use::Header(name.to_owned()), true),
        _ => Block::new(Use::Text, holds(condition, variables)),
    }
}

fn branch(blocks: &mut [Block], holds: bool) {
    if let [_, .., block] = blocks {
        block.shown = holds && !block.taken;
        block.taken |= block.shown;
    }
}

fn close(blocks: &mut Vec<Block>, page: &mut Page) {
    let Some(block) = blocks.pop() else { return };
    match block.usage {
        Use::Text => {
            if let Some(outer) = blocks.last_mut() {
                outer.text.push_str(&block.text);
            }
        }
        Use::Status(_) | Use::Header(_) if !blocks.iter().all(|outer| outer.shown) => {}
        Use::Status(status) => page.status = status,
        Use::Header(name) => page.headers.push((name, block.text.trim().to_owned())),
    }
}

fn holds(condition: &str, variables: &[(&str, String)]) -> bool {
    if let Some((name, wanted)) = condition.split_once("==") {
        return value(name.trim(), variables) == unquoted(wanted);
    }
    if let Some((name, wanted)) = condition.split_once("!=") {
        return value(name.trim(), variables) != unquoted(wanted);
    }
    !matches!(value(condition, variables).as_str(), "" | "no" | "false")
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix(['"', '\'']).and_then(|text| text.strip_suffix(['"', '\''])).unwrap_or(text)
}

fn value(name: &str, variables: &[(&str, String)]) -> String {
    let plain = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
    match (plain(name), name.strip_suffix("-esc")) {
        (Some(value), _) => value,
        (None, Some(base)) => plain(base).map(|value| escape(&value)).unwrap_or_default(),
        (None, None) => String::new(),
    }
}

/// Percent-encodes everything but unreserved characters.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, expected: &str) {
        let variables = [("mac", "A4:CF".to_owned()), ("error", String::new()), ("trial", "yes".to_owned())];
        assert_eq!(render(template, &variables).body, expected, "{template}");
    }

    #[test]
    fn variables_and_conditions() {
        check("a $(mac) b", "a A4:CF b");
        check("$(mac-esc)", "A4%3ACF");
        check("$(nothing)|$(nothing-esc)", "|");
        check("$(if error)bad$(else)good$(endif)", "good");
        check("$(if mac == \"A4:CF\")1$(endif)$(if mac != 'x')2$(endif)$(if mac == x)3$(endif)", "12");
        check("$(if error)1$(elif trial)2$(elif mac)3$(else)4$(endif)", "2");
        check("$(if trial)a$(if error)b$(else)c$(endif)d$(endif)", "acd");
        check("$(if error)a$(if mac)b$(endif)c$(endif)d", "d");
        check("open $(mac", "open $(mac");
        check("$(endif)$(else)x", "x");
    }

    #[test]
    fn a_page_sets_status_and_headers() {
        let page = render(
            "$(if http-status == 302)Login$(endif)$(if http-header == \"Location\") http://p/$(mac-esc) $(endif)body",
            &[("mac", "A4:CF".to_owned())],
        );
        assert_eq!(page.status, 302);
        assert_eq!(page.headers, [("Location".to_owned(), "http://p/A4%3ACF".to_owned())]);
        assert_eq!(page.body, "body");
    }
}
