//! The configuration file: what it takes, who wins, and that every slip is one line which names the file, the line and what is
//! accepted.

use crate::common::{refused, run};
use clap::{CommandFactory, Parser};
use midoctor::cli::{Cli, Failing, When};
use midoctor::config::{self, Config, Origins};
use midoctor::options::ExamineOptions;
use midoctor::plan::{FailOn, Whose};

/// The settings of this file with what is typed.
fn settled(toml: &str, typed: &[&str]) -> Result<(Cli, Origins), String> {
    let mut cli = Cli::try_parse_from(["midoctor"].iter().chain(typed)).unwrap();
    let config = Config::read("midoctor.toml", toml)?;
    let origins = config.fill_in(&mut cli.check.examine, &mut cli.check.output);
    Ok((cli, origins))
}

/// What is said of this file alone, by itself or by the values' own reader.
fn complaint(toml: &str, typed: &[&str]) -> String {
    match settled(toml, typed) {
        Err(why) => why,
        Ok((cli, origins)) => origins.blame(ExamineOptions::read(&cli.check.examine, false).unwrap_err()),
    }
}

#[test]
fn every_flag_of_check_can_be_set_but_those_that_are_about_one_run() {
    let midoctor = Cli::command();
    let check = midoctor.find_subcommand("check").unwrap();
    let flags = check.get_arguments().filter_map(|flag| flag.get_long()).filter(|flag| *flag != "help");
    for flag in flags {
        let refused = complaint(&format!("{flag} = 1.5"), &[]);
        let is_known = !refused.contains("is no setting");
        assert_eq!(is_known, flag != "sources", "{refused}");
        let can_be_set = refused.contains(&format!(": {flag} takes "));
        assert_eq!(can_be_set, !["sources", "from", "config"].contains(&flag), "{refused}");
    }
}

#[test]
fn the_readmes_files_can_be_used_as_they_stand() {
    for block in include_str!("../../README.md").split("```toml\n").skip(1) {
        let toml = block.split("```").next().unwrap();
        let (cli, _) = settled(toml, &[]).unwrap();
        ExamineOptions::read(&cli.check.examine, false).unwrap();
    }
}

#[test]
fn a_file_with_every_setting_is_taken_over() {
    let toml = r#"
        identity = ["all"]
        resource = "vault"
        require = ["Reader", "action:Microsoft.Compute/virtualMachines/start/action"]
        probe = "https://kv-doctor.vault.azure.net"
        trust-host = []
        arm-endpoint = "https://management.contoso.com"
        unit = "web"
        only = ["role-*", "data"]
        skip = "legacy-*"
        fail-on = "warn"
        wait = "10m"
        timeout = "5s"
        deadline = "1m"
        output = ["json=report.json", "text"]
        quiet = true
        verbose = false
        color = "never"
        [[ignore]]
        code = "env-proxy"
        reason = "the proxy lets these hosts through"
        until = 2027-01-31
    "#;
    let (cli, _) = settled(toml, &[]).unwrap();
    let options = ExamineOptions::read(&cli.check.examine, false).unwrap();
    let plan = &options.plan;
    assert!(plan.all_identities && plan.resources.len() == 1 && plan.requirements.len() == 2 && plan.probes.len() == 1);
    assert_eq!(plan.environment, Whose::Unit("web.service".into()));
    assert_eq!((&plan.only[..], &plan.skip[..]), (&["role-*".into(), "data".into()][..], &["legacy-*".into()][..]));
    assert_eq!((plan.fail_on, options.wait.unwrap().as_secs()), (FailOn::Warn, 600));
    assert_eq!((options.limits.question.as_secs(), options.limits.deadline.as_secs()), (5, 60));
    let output = &cli.check.output;
    assert_eq!(
        (&output.output[..], output.quiet, output.verbose),
        (&["json=report.json".into(), "text".into()][..], true, false)
    );
    assert_eq!((output.color.color, plan.arm_endpoint.as_deref()), (Some(When::Never), Some("management.contoso.com")));
    let ignores = Config::read("midoctor.toml", toml).unwrap().ignores;
    assert_eq!((ignores[0].code.as_str(), ignores[0].until.to_string().as_str()), ("env-proxy", "2027-01-31"));
}

#[test]
fn a_flag_wins_over_the_file_and_a_list_replaces_the_list() {
    let toml = "resource = [\"vault\", \"sql\"]\nskip = \"legacy-*\"\ntimeout = \"5s\"\nfail-on = \"warn\"\ncolor = \"never\"\n";
    let typed = ["--resource", "graph", "--timeout", "7s", "--fail-on", "error", "--color", "auto", "-o", "json"];
    let (cli, _) = settled(toml, &typed).unwrap();
    let examine = &cli.check.examine;
    assert_eq!((&examine.resource[..], &examine.skip[..]), (&["graph".to_owned()][..], &["legacy-*".to_owned()][..]));
    assert_eq!((examine.timeout.as_deref(), examine.fail_on), (Some("7s"), Some(Failing::Error)));
    assert_eq!(
        (cli.check.output.color.color, &cli.check.output.output[..]),
        (Some(When::Auto), &["json".to_owned()][..])
    );
}

#[test]
fn a_wrong_value_of_a_flag_is_not_blamed_on_the_file() {
    let toml = "timeout = \"5s\"\n";
    assert_eq!(
        complaint(toml, &["--timeout", "soon"]),
        "--timeout takes a duration such as 500ms, 10s or 2m; “soon” is none"
    );
}

#[test]
fn a_day_can_be_a_date_or_a_text_and_an_empty_file_says_nothing() {
    let ignore = |until: &str| format!("[[ignore]]\ncode = \"env-*\"\nreason = \"r\"\nuntil = {until}\n");
    for until in ["2027-01-31", "\"2027-01-31\""] {
        let config = Config::read("c", &ignore(until)).unwrap();
        assert_eq!(config.ignores[0].until.to_string(), "2027-01-31");
    }
    assert!(Config::read("c", "\u{feff}# nothing\n").unwrap().ignores.is_empty());
}

#[test]
fn every_slip_names_the_file_the_line_and_what_is_accepted() {
    for (toml, line) in [
        (
            "\ntiemout = \"5s\"",
            "2: “tiemout” is no setting; did you mean “timeout”? the names are those of the flags that midoctor check --help lists, and ignore",
        ),
        (
            "fail_on = \"warn\"",
            "1: “fail_on” is no setting; did you mean “fail-on”? the names are those of the flags that midoctor check --help lists, and ignore",
        ),
        (
            "[check]\nwait = \"1m\"",
            "1: “check” is no setting; the names are those of the flags that midoctor check --help lists, and ignore",
        ),
        ("config = \"other.toml\"", "1: config can only be typed, as --config"),
        ("timeout = 5", "1: timeout takes a duration in quotes, such as \"90s\", and not a whole number"),
        ("wait = true", "1: wait takes a duration in quotes, such as \"90s\", and not true or false"),
        ("quiet = \"yes\"", "1: quiet takes true or false, and not a text"),
        ("skip = 2027-01-31", "1: skip takes a text in quotes or a list of texts, and not a date or a time"),
        (
            "only = [\"data\", 1]",
            "1: only takes a text in quotes or a list of texts, and not a whole number in the list",
        ),
        ("pid = 1.5", "1: pid takes a number, and not a number with a point"),
        ("fail-on = \"warning\"", "1: fail-on takes one of warn, error; “warning” is none of them"),
        (
            "color = \"allways\"",
            "1: color takes one of auto, always, never; “allways” is none of them; did you mean “always”?",
        ),
        ("a = 1\na = 2", "2: this is not TOML: duplicate key"),
        ("wait = \"1m", "1: this is not TOML: invalid basic string, expected `\"`"),
        // What the values mean is said by the same words as for flags.
        ("\n\ntimeout = \"soon\"", "3: timeout takes a duration such as 500ms, 10s or 2m; “soon” is none"),
        ("deadline = \"0s\"", "1: deadline takes a duration longer than nothing, such as 10s"),
        ("pid = 0", "1: pid takes the number of a process, such as 812; “0” is none"),
        (
            "unit = \"web.timer\"",
            "1: unit takes the name of a systemd service, such as web or web@1.service; “web.timer” is a timer, which starts no process with an environment",
        ),
        (
            "skip = [\"metdata\"]",
            "1: skip: “metdata” is no check and no code that one finds, and matches none; did you mean “metadata”? midoctor explain lists them all",
        ),
        ("require = [\"none\", \"Reader\"]", "1: require none stands alone; leave it out, or leave the others out"),
        ("trust-host = \"db.contoso.com\"", "1: trust-host db.contoso.com has no --probe of that host to go with"),
        (
            "arm-endpoint = \"management\"",
            "1: arm-endpoint takes https://HOST, at the usual port; “management” is none",
        ),
        // What excludes each other does so in a file too.
        ("pid = 1\nunit = \"web\"", "2: pid and unit exclude each other; leave one out"),
        ("verbose = true\nquiet = true", "2: quiet and verbose exclude each other; leave one out"),
        // Ignores.
        ("ignore = \"env-proxy\"", "1: ignore takes tables, each under [[ignore]], and not a text"),
        ("[ignore]\ncode = \"env-proxy\"", "1: ignore takes tables, each under [[ignore]], and not a table"),
        (
            "ignores = []",
            "1: “ignores” is no setting; did you mean “ignore”? the names are those of the flags that midoctor check --help lists, and ignore",
        ),
        (
            "[[ignore]]\ncode = \"env-proxy\"\nuntil = 2027-01-31",
            "1: this ignore has no reason; it takes code = \"legacy-*\", reason = \"why\", until = 2027-01-31",
        ),
        (
            "\n[[ignore]]\ncode = \"env-proxy\"\nreason = \"r\"",
            "2: this ignore has no last day (until); it takes code = \"legacy-*\", reason = \"why\", until = 2027-01-31",
        ),
        (
            "[[ignore]]\nreason = \"r\"",
            "1: this ignore has no code; it takes code = \"legacy-*\", reason = \"why\", until = 2027-01-31",
        ),
        ("[[ignore]]\nreason = \" \"", "2: reason is empty; say why this shall not count"),
        (
            "[[ignore]]\ncode = \"legacy-answring\"",
            "2: code: “legacy-answring” is no code that a check finds, and matches none; did you mean “legacy-answering”? midoctor explain lists them all",
        ),
        (
            "[[ignore]]\ncode = \"role-[\"",
            "2: code takes a glob such as \"legacy-*\"; “role-[” is none: invalid range pattern",
        ),
        ("[[ignore]]\nuntil = \"soon\"", "2: until takes a day, such as 2027-01-31; “soon” is none"),
        (
            "[[ignore]]\nuntil = 2027-01-31T10:00:00Z",
            "2: until takes a day, such as 2027-01-31; “2027-01-31T10:00:00Z” is none",
        ),
        ("[[ignore]]\nuntil = \"2027-02-30\"", "2: until takes a day, such as 2027-01-31; “2027-02-30” is none"),
        (
            "[[ignore]]\nuntill = 2027-01-31",
            "2: “untill” is nothing that an ignore has; did you mean “until”? it takes code = \"legacy-*\", reason = \"why\", until = 2027-01-31",
        ),
    ] {
        assert_eq!(complaint(toml, &[]), format!("midoctor.toml, line {line}"), "{toml}");
    }
}

#[test]
fn of_two_that_exclude_each_other_the_flag_wins() {
    for (toml, typed, pid, unit) in [
        ("pid = 1", &["--unit", "web"][..], None, Some("web")),
        ("unit = \"web\"", &["--pid", "2"], Some("2"), None),
        ("pid = 1", &["--pid", "2"], Some("2"), None),
    ] {
        let (cli, origins) = settled(toml, typed).unwrap();
        let examine = &cli.check.examine;
        assert_eq!((examine.pid.as_deref(), examine.unit.as_deref()), (pid, unit), "{toml} {typed:?}");
        for why in ["--pid 2: no", "--unit web: no"] {
            assert_eq!(origins.blame(why.into()), why, "what was typed is not the file's");
        }
    }
    for (toml, typed, quiet, verbose) in [
        ("quiet = true", &["-v"][..], false, true),
        ("verbose = true", &["-q"], true, false),
        ("quiet = true", &["-q"], true, false),
        ("quiet = true", &[], true, false),
    ] {
        let (cli, _) = settled(toml, typed).unwrap();
        assert_eq!((cli.check.output.quiet, cli.check.output.verbose), (quiet, verbose), "{toml} {typed:?}");
    }
}

#[test]
fn a_secret_in_a_file_is_not_repeated_and_neither_is_a_control_character() {
    let secret = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL21hbmFnZW1lbnQifQ.c2ln";
    for toml in [
        format!("timeout = \"{secret}\""),
        format!("{} = 1", secret.replace('.', "-")),
        format!("color = \"{secret}\""),
        format!("identity = \"{secret}\""),
        format!("[[ignore]]\ncode = \"{secret}\""),
        format!("[[ignore]]\nuntil = \"{secret}\""),
    ] {
        let line = complaint(&toml, &[]);
        assert!(!line.contains("eyJ0eXAiOiJKV1Qi") && line.contains("midoctor.toml, line "), "{line}");
    }
    let kept = format!("[[ignore]]\ncode = \"env-proxy\"\nreason = \"token={secret}\"\nuntil = 2027-01-31");
    assert!(!Config::read("c", &kept).unwrap().ignores[0].reason.contains("eyJ"));
    assert!(!complaint("color = \"\\u001b[2J\"", &[]).contains('\u{1b}'));
}

#[test]
fn a_file_that_cannot_be_read_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(place("latin.toml"), b"# \xe9\n").unwrap();
    std::fs::write(place("large.toml"), "#".repeat(config::LIMIT + 1)).unwrap();
    std::fs::write(place("bad.toml"), "output = \"jsno\"\n").unwrap();
    for (file, line) in [
        (place("none.toml"), "cannot be read: there is no such file; correct the path"),
        (place(""), "is a directory; name a file in it"),
        (place("latin.toml"), "is not UTF-8 text; save it as UTF-8"),
        (place("large.toml"), "has more than 256 KiB; name another file"),
    ] {
        assert_eq!(refused(&["check", "--config", &file]), format!("midoctor: {file} {line}"));
    }
    let file = place("bad.toml");
    let line = refused(&["check", "--config", &file]);
    assert!(line.starts_with(&format!("midoctor: {file}, line 1: output takes text")), "{line}");
}

#[test]
fn sources_obey_the_file_where_it_is_about_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("midoctor.toml").display().to_string();
    std::fs::write(&file, "output = \"json\"\nwait = \"10m\"\nquiet = true\n").unwrap();
    let ran = run(&["check", "--sources", "--config", &file]);
    assert_eq!((ran.code, ran.stderr.as_str(), ran.stdout.starts_with('{')), (Some(0), "", true));
}
