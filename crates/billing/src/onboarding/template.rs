//! Templates of RouterOS scripts: `{{NAME}}` stands for a value, which is written so that it is safe inside a
//! RouterOS string. Strict: a placeholder without a value, and a value without a placeholder, is an error.

/// A template could not be filled in: a fault of the program, found by its tests.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The template asks for a value that was not given.
    #[error("there is no value for {{{{{0}}}}}")]
    Missing(String),
    /// A value was given that the template does not ask for.
    #[error("the template has no {{{{{0}}}}}")]
    Unused(String),
    /// A placeholder does not end.
    #[error("a placeholder does not end")]
    Unclosed,
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Inside a RouterOS string.
    Script,
    /// As they are, for text of our own that goes into a page.
    Plain,
}

/// Fills in a template.
///
/// # Errors
/// [`TemplateError`].
pub fn render(template: &str, values: &[(&str, &str)], form: Form) -> Result<String, TemplateError> {
    let mut out = String::with_capacity(template.len());
    let mut used = vec![false; values.len()];
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (name, after) = after.split_once("}}").ok_or(TemplateError::Unclosed)?;
        let found = values.iter().zip(&mut used).find(|((own, _), _)| *own == name);
        let ((_, value), used) = found.ok_or_else(|| TemplateError::Missing(name.to_owned()))?;
        *used = true;
        match form {
            Form::Script => out.push_str(&quoted(value)),
            Form::Plain => out.push_str(value),
        }
        rest = after;
    }
    out.push_str(rest);
    match values.iter().zip(used).find(|(_, used)| !used) {
        Some(((name, _), _)) => Err(TemplateError::Unused((*name).to_owned())),
        None => Ok(out),
    }
}

/// A value as it stands between the quotes of a RouterOS string: what would end the string, start a variable or be
/// lost is escaped (manual.mikrotik.com, Scripting, constant escape sequences).
#[must_use]
pub fn quoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '"' | '\\' | '$' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // The other control characters are never wanted.
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_template_and_its_values_must_fit() {
        assert_eq!(render("a {{X}} b {{X}}", &[("X", "1")], Form::Script).unwrap(), "a 1 b 1");
        assert_eq!(render("{{X}}", &[], Form::Script).unwrap_err(), TemplateError::Missing("X".into()));
        assert_eq!(render("", &[("X", "1")], Form::Script).unwrap_err(), TemplateError::Unused("X".into()));
        assert_eq!(render("{{X", &[("X", "1")], Form::Script).unwrap_err(), TemplateError::Unclosed);
    }

    #[test]
    fn values_cannot_leave_their_string() {
        let nasty = "a\"; /system reset-configuration; :put \"$b\\\n{{X}}";
        assert_eq!(
            render("\"{{V}}\"", &[("V", nasty)], Form::Script).unwrap(),
            "\"a\\\"; /system reset-configuration; :put \\\"\\$b\\\\\\n{{X}}\""
        );
        assert_eq!(render("{{V}}", &[("V", nasty)], Form::Plain).unwrap(), nasty);
    }

    proptest! {
        /// Reading the escapes back gives the value, and no quote or dollar stands unescaped.
        #[test]
        fn escaping_can_be_read_back(value in "[ -~\\n\\t\\r]{0,60}") {
            let mut read = String::new();
            let text = quoted(&value);
            let mut chars = text.chars();
            while let Some(c) = chars.next() {
                prop_assert!(c != '"' && c != '$');
                read.push(match c {
                    '\\' => match chars.next() {
                        Some('n') => '\n',
                        Some('r') => '\r',
                        Some('t') => '\t',
                        Some(own) => own,
                        None => return Err(TestCaseError::fail("an escape without a character")),
                    },
                    c => c,
                });
            }
            prop_assert_eq!(read, value);
        }
    }
}
