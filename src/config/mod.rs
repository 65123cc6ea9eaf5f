//! The configuration file: TOML with the names of the long flags, and what is known and shall not count for a while. Text in,
//! settings out; the file is read by `run`, and what the values mean is in `options`, for flags and file alike.

mod ignore;
mod values;

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::cli::{ExamineArgs, Failing, OutputArgs, When};
use crate::fill::visible;
use crate::nearest::suggestion;
use crate::plan::Ignore;
use crate::seal;

use values::{choice, number_or_text, text, texts, truth};

/// No configuration is as large as this, in bytes.
pub const LIMIT: usize = 256 << 10;

/// The names that can be set, as the long flags have them, and the one for what is known.
const NAMES: [&str; 21] = [
    "identity",
    "resource",
    "require",
    "probe",
    "trust-host",
    "arm-endpoint",
    "pid",
    "unit",
    "only",
    "skip",
    "fail-on",
    "wait",
    "timeout",
    "deadline",
    "output",
    "quiet",
    "verbose",
    "color",
    IGNORE,
    // Understood, to say that they cannot be set.
    "config",
    "from",
];

/// The name of the list of what is known.
const IGNORE: &str = "ignore";

/// What a configuration file says.
#[derive(Debug, Default)]
pub struct Config {
    /// The file, for messages.
    file: String,
    /// Where each name was set.
    lines: BTreeMap<&'static str, usize>,
    lists: BTreeMap<&'static str, Vec<String>>,
    texts: BTreeMap<&'static str, String>,
    fail_on: Option<Failing>,
    color: Option<When>,
    quiet: bool,
    verbose: bool,
    /// What is known and shall not count for a while.
    pub ignores: Vec<Ignore>,
}

/// Which settings came from the file, for complaints about their values.
#[derive(Debug, Default)]
pub struct Origins {
    file: String,
    lines: BTreeMap<&'static str, usize>,
}

impl Config {
    /// Reads a configuration. `file` is its name in messages.
    ///
    /// # Errors
    /// One sentence that names the file, the line and what is accepted.
    pub fn read(file: &str, toml: &str) -> Result<Self, String> {
        let toml = toml.trim_start_matches('\u{feff}');
        let at = |start: usize, why: String| {
            let line = line_of(toml, start);
            format!("{file}, line {line}: {}", visible(&seal::text(&why)))
        };
        let table = DeTable::parse(toml).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            at(start, format!("this is not TOML: {}", error.message()))
        })?;
        let mut config = Self { file: file.to_owned(), ..Self::default() };
        // In the order of the file, so that the first slip is the one that is told.
        let mut settings: Vec<(&Spanned<_>, &Spanned<DeValue>)> = table.get_ref().iter().collect();
        settings.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in settings {
            let start = name.span().start;
            let name = known(name.get_ref()).map_err(|why| at(start, why))?;
            config.lines.insert(name, line_of(toml, start));
            config.set(name, value).map_err(|(inner, why)| at(inner.unwrap_or(start), why))?;
        }
        config.agree()?;
        Ok(config)
    }

    /// Takes in one setting. A complaint comes with its own place, where it has one.
    fn set(&mut self, name: &'static str, value: &Spanned<DeValue>) -> Result<(), (Option<usize>, String)> {
        let here = |why: String| (None, format!("{name} {why}"));
        let value_of = value.get_ref();
        match name {
            IGNORE => self.ignores = ignore::read(value)?,
            "identity" | "resource" | "require" | "probe" | "trust-host" | "only" | "skip" | "output" => {
                self.lists.insert(name, texts(value_of).map_err(here)?);
            }
            "pid" => {
                self.texts.insert(name, number_or_text(value_of).map_err(here)?);
            }
            "arm-endpoint" | "unit" => {
                self.texts.insert(name, text(value_of, "a text in quotes").map_err(here)?);
            }
            "wait" | "timeout" | "deadline" => {
                self.texts.insert(name, text(value_of, "a duration in quotes, such as \"90s\"").map_err(here)?);
            }
            "fail-on" => {
                let words = [("warn", Failing::Warn), ("error", Failing::Error)];
                self.fail_on = Some(choice(value_of, &words).map_err(here)?);
            }
            "color" => {
                let words = [("auto", When::Auto), ("always", When::Always), ("never", When::Never)];
                self.color = Some(choice(value_of, &words).map_err(here)?);
            }
            "quiet" => self.quiet = truth(value_of).map_err(here)?,
            "verbose" => self.verbose = truth(value_of).map_err(here)?,
            _ => return Err((None, format!("{name} can only be typed, as --{name}"))),
        }
        Ok(())
    }

    /// What cannot stand together.
    fn agree(&self) -> Result<(), String> {
        for (one, other, contradict) in [("pid", "unit", true), ("quiet", "verbose", self.quiet && self.verbose)] {
            if let (Some(first), Some(second), true) = (self.lines.get(one), self.lines.get(other), contradict) {
                let line = first.max(second);
                return Err(format!("{}, line {line}: {one} and {other} exclude each other; leave one out", self.file));
            }
        }
        Ok(())
    }

    /// Sets what was not typed. Returns which settings came from here.
    pub fn fill_in(mut self, examine: &mut ExamineArgs, output: &mut OutputArgs) -> Origins {
        // Of two that exclude each other the one that was typed is meant.
        for (own, is_undone) in [("pid", examine.unit.is_some()), ("unit", examine.pid.is_some())] {
            if is_undone {
                self.texts.remove(own);
            }
        }
        output.quiet |= self.quiet && !output.verbose;
        output.verbose |= self.verbose && !output.quiet;
        for (name, typed) in [
            ("identity", &mut examine.identity),
            ("resource", &mut examine.resource),
            ("require", &mut examine.require),
            ("probe", &mut examine.probe),
            ("trust-host", &mut examine.trust_host),
            ("only", &mut examine.only),
            ("skip", &mut examine.skip),
            ("output", &mut output.output),
        ] {
            match self.lists.remove(name) {
                Some(own) if typed.is_empty() => *typed = own,
                _ => drop(self.lines.remove(name)),
            }
        }
        for (name, typed) in [
            ("arm-endpoint", &mut examine.arm_endpoint),
            ("pid", &mut examine.pid),
            ("unit", &mut examine.unit),
            ("wait", &mut examine.wait),
            ("timeout", &mut examine.timeout),
            ("deadline", &mut examine.deadline),
        ] {
            match self.texts.remove(name) {
                Some(own) if typed.is_none() => *typed = Some(own),
                _ => drop(self.lines.remove(name)),
            }
        }
        examine.fail_on = examine.fail_on.or(self.fail_on);
        output.color.color = output.color.color.or(self.color);
        Origins { file: self.file, lines: self.lines }
    }
}

impl Origins {
    /// A complaint about a flag, which begins with its name, said of the file where the value came from there.
    pub fn blame(&self, why: String) -> String {
        let why = why.replacen("-o ", "--output ", usize::from(why.starts_with("-o ")));
        let name = why.strip_prefix("--").and_then(|rest| rest.split([' ', ':']).next());
        match name.and_then(|name| self.lines.get_key_value(name)) {
            Some((name, line)) => {
                let said = why.replace(&format!("--{name}"), name);
                format!("{}, line {line}: {}", self.file, seal::text(&said))
            }
            None => why.replacen("--output ", "-o ", usize::from(why.starts_with("--output "))),
        }
    }
}

/// A name that can be set.
fn known(name: &str) -> Result<&'static str, String> {
    NAMES.iter().find(|known| **known == name).copied().ok_or_else(|| {
        let near = suggestion(&name.to_lowercase(), &NAMES);
        let near = if near.is_empty() { ";" } else { &near };
        format!(
            "“{name}” is no setting{near} the names are those of the flags that midoctor check --help lists, and ignore"
        )
    })
}

/// The number of the line that a place is in.
fn line_of(text: &str, start: usize) -> usize {
    1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count()
}
