//! The configuration file and the values of flags: each is taken, or refused in one sentence that names the file and the line.

#![no_main]

use std::sync::LazyLock;

use clap::Parser;
use libfuzzer_sys::fuzz_target;
use midoctor::cli::Cli;
use midoctor::config::Config;
use midoctor::options::{self, ExamineOptions};
use midoctor::plan::{Plan, Required};
use midoctor::{azure, probe, requirement};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    file(text);
    flags(text);
});

/// Nothing was typed.
static TYPED: LazyLock<Cli> = LazyLock::new(|| Cli::try_parse_from(["midoctor"]).unwrap());

fn file(text: &str) {
    let refused = |why: &str| {
        sentence(why);
        let line = why.strip_prefix("midoctor.toml, line ").and_then(|rest| rest.split(':').next());
        let line: usize = line.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no line: {why}"));
        assert!(line >= 1 && line <= 1 + text.matches('\n').count(), "{why}");
    };
    let config = match Config::read("midoctor.toml", text) {
        Ok(config) => config,
        Err(why) => return refused(&why),
    };
    let (mut examine, mut output) = (TYPED.check.examine.clone(), TYPED.check.output.clone());
    let ignores = config.ignores.clone();
    let origins = config.fill_in(&mut examine, &mut output);
    match ExamineOptions::read(&examine, output.verbose) {
        Err(why) => refused(&origins.blame(why)),
        Ok(options) => {
            let plan = Plan { ignores, ..options.plan };
            let json = serde_json::to_string(&plan).unwrap();
            assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
        }
    }
}

/// One value, as it is typed behind each flag.
fn flags(text: &str) {
    let one = [text.to_owned()];
    match requirement::read(text) {
        Err(why) => sentence(&why),
        Ok(requirement) => {
            sentence(&requirement::in_words(&requirement, ""));
            if let Required::Role(guid) = &requirement.what {
                assert!(azure::roles::find(guid).is_none_or(|role| role.guid == *guid), "{guid}");
            }
        }
    }
    match probe::read(text, &[], &[]) {
        Err(why) => sentence(&why),
        Ok(probe) => assert!(probe.url.starts_with("https://") && !probe.url.contains('@'), "{probe:?}"),
    }
    if let Ok(plan) = options::plan(&one, &[], &[]) {
        assert_eq!(plan.identities.len(), 1);
    }
    for refused in [
        options::plan(&one, &[], &[]).err(),
        options::plan(&[], &one, &[]).err(),
        options::globs("--only", &one).err(),
        options::duration("--wait", text).err(),
        options::whose(None, Some(text)).err(),
        options::whose(Some(text), None).err(),
        probe::host("--trust-host", text).err(),
        probe::arm_endpoint(text).err(),
    ]
    .into_iter()
    .flatten()
    {
        sentence(&refused);
    }
}

/// One line, with nothing hidden in it.
fn sentence(text: &str) {
    let odd = text.chars().find(|c| c.is_control() || midoctor::fill::is_hidden(*c));
    assert!(!text.is_empty() && odd.is_none(), "{odd:?} in {text:?}");
}
