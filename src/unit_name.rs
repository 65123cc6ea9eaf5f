//! Names of systemd units: which are allowed, and the parts they are made of. Text only; where a unit's files are is the
//! wire's business.
//!
//! The rules are those of the manual page systemd.unit(5) and of systemd's `src/basic/unit-name.c`.

/// Kinds of units that start processes of their own, with the section of their files that speaks of these.
const KINDS: [(&str, &str); 4] = [("service", "Service"), ("socket", "Socket"), ("mount", "Mount"), ("swap", "Swap")];
/// The other kinds of units.
const OTHERS: [&str; 7] = ["automount", "device", "path", "scope", "slice", "target", "timer"];
/// The longest name.
const LONGEST: usize = 255;

/// The name of a unit that starts processes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitName {
    /// What stands before the `@` or the dot: `web`.
    prefix: String,
    /// What stands behind the `@`; empty for a template.
    instance: Option<String>,
    /// `service`, `socket`, `mount` or `swap`.
    kind: &'static str,
}

impl UnitName {
    /// Reads a name as systemctl does: without a kind, a service is meant.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence about it.
    pub fn read(text: &str) -> Result<Self, String> {
        let kind_of = |text: &str| text.rsplit_once('.').map(|(_, kind)| kind.to_owned()).unwrap_or_default();
        if OTHERS.contains(&kind_of(text).as_str()) {
            return Err(format!("is a {}, which starts no process with an environment", kind_of(text)));
        }
        let name = match Self::whole(text) {
            Some(name) => name,
            None => Self::whole(&format!("{text}.service")).ok_or("is no name that systemd allows")?,
        };
        if name.instance.as_deref() == Some("") {
            return Err(format!("is a template: name one of its instances, such as {}@1.{}", name.prefix, name.kind));
        }
        Ok(name)
    }

    /// A name with its kind, a template's too; `None` when systemd does not allow it or it starts no process.
    pub fn whole(text: &str) -> Option<Self> {
        let (name, kind) = text.rsplit_once('.')?;
        let (kind, _) = KINDS.iter().find(|(known, _)| *known == kind)?;
        let (prefix, instance) = match name.split_once('@') {
            Some((prefix, instance)) => (prefix, Some(instance.to_owned())),
            None => (name, None),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.\\".contains(c);
        let instance_fits = instance.as_deref().unwrap_or_default().chars().all(|c| plain(c) || c == '@');
        let fits = !prefix.is_empty() && text.len() <= LONGEST && prefix.chars().all(plain) && instance_fits;
        fits.then(|| Self { prefix: prefix.to_owned(), instance, kind })
    }

    /// The section of its files that speaks of its processes: `Service`.
    pub fn section(&self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self.kind).map_or("Service", |(_, section)| section)
    }

    /// `web` of `web@1.service`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// `1` of `web@1.service`.
    pub fn instance(&self) -> Option<&str> {
        self.instance.as_deref()
    }

    /// `service`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// `web@1` of `web@1.service`.
    pub fn without_kind(&self) -> String {
        match &self.instance {
            Some(instance) => format!("{}@{instance}", self.prefix),
            None => self.prefix.clone(),
        }
    }

    /// `web@.service` of `web@1.service`; `None` for what is not an instance.
    pub fn template(&self) -> Option<Self> {
        let instance = self.instance.as_ref().filter(|instance| !instance.is_empty())?;
        Some(Self { instance: Some(instance[..0].to_owned()), ..self.clone() })
    }

    /// The same instance of another template.
    #[must_use]
    pub fn with_instance(&self, instance: &str) -> Self {
        Self { instance: Some(instance.to_owned()), ..self.clone() }
    }

    /// The names of whose drop-in folders this unit's settings can come, the most specific first: `a-b-c`, `a-b-`, `a-`. Those of
    /// an instance's template come before those of the instances of shorter names.
    pub fn with_shorter_ones(&self) -> Vec<Self> {
        let mut all = Vec::new();
        self.add_to(&mut all);
        all
    }

    fn add_to(&self, all: &mut Vec<Self>) {
        if all.contains(self) {
            return;
        }
        all.push(self.clone());
        if let Some(template) = self.template() {
            template.add_to(all);
        }
        // A dash at the end is that of the step before.
        let stem = self.prefix.strip_suffix('-').unwrap_or(&self.prefix);
        if let Some(at) = stem.rfind('-').filter(|at| *at > 0) {
            // What is shorter than a template is a plain name.
            let instance = self.instance.clone().filter(|instance| !instance.is_empty());
            Self { prefix: stem[..=at].to_owned(), instance, kind: self.kind }.add_to(all);
        }
    }
}

impl std::fmt::Display for UnitName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.without_kind(), self.kind)
    }
}

/// Takes the escapes out of a part of a name: a dash is a slash, `\x2d` a dash.
pub fn unescape(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.strip_prefix(b"x").and_then(|hex| hex.get(..2));
        let byte = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        rest = match (*first, byte) {
            (b'\\', Some(byte)) => {
                bytes.push(byte);
                &after[3..]
            }
            (b'-', _) => {
                bytes.push(b'/');
                after
            }
            (other, _) => {
                bytes.push(other);
                after
            }
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The line of a unit's file that sets these variables: one quoted word for each, with what systemd would read otherwise escaped
/// (systemd.syntax(7); a percent sign is doubled as in systemd.unit(5)).
pub fn environment_line(variables: &[(&str, &str)]) -> String {
    let mut line = "Environment=".to_owned();
    for (index, (name, value)) in variables.iter().enumerate() {
        line.push_str(if index > 0 { " \"" } else { "\"" });
        for c in format!("{name}={value}").chars() {
            match c {
                '%' => line.push_str("%%"),
                '\\' | '"' => line.extend(['\\', c]),
                '\u{1}'..='\u{1f}' | '\u{7f}' => line.push_str(&format!("\\x{:02x}", u32::from(c))),
                _ => line.push(c),
            }
        }
        line.push('"');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_kind_is_a_service() {
        for (text, name) in [
            ("web", "web.service"),
            ("web.service", "web.service"),
            ("web@1", "web@1.service"),
            ("web@1.service", "web@1.service"),
            ("my.web", "my.web.service"),
            ("docker.socket", "docker.socket"),
            ("a\\x2db", "a\\x2db.service"),
        ] {
            assert_eq!(UnitName::read(text).map(|name| name.to_string()), Ok(name.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_systemd_does_not_allow_is_refused() {
        let long = "x".repeat(250);
        for text in ["", "a/b", "../web", "a b", "web\n", "@1", "é", "$(id)", long.as_str(), "-x;"] {
            assert!(UnitName::read(text).is_err(), "{text}");
        }
        assert!(UnitName::read("web@.service").is_err_and(|why| why.contains("web@1.service")));
        assert!(UnitName::read("web.timer").is_err_and(|why| why.contains("timer")));
    }

    #[test]
    fn drop_ins_come_from_shorter_names_too() {
        let names = |text: &str| -> Vec<String> {
            UnitName::read(text).expect("a name").with_shorter_ones().iter().map(UnitName::to_string).collect()
        };
        // The example of systemd.unit(5).
        assert_eq!(names("foo-bar-baz"), ["foo-bar-baz.service", "foo-bar-.service", "foo-.service"]);
        assert_eq!(names("-x"), ["-x.service"]);
        assert_eq!(names("a-b@1"), ["a-b@1.service", "a-b@.service", "a-.service", "a-@1.service", "a-@.service"]);
    }

    #[test]
    fn escapes_are_taken_out() {
        for (part, plain) in [("a-b", "a/b"), ("a\\x2db", "a-b"), ("\\x", "\\x"), ("a\\xzz", "a\\xzz")] {
            assert_eq!(unescape(part), plain);
        }
    }
}
