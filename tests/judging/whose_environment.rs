//! Whose environment is judged: midoctor's own, a process's, a unit's with what its files say now. In process.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::played::{self, ending, finding, judged, play};
use midoctor::check::{Severity, Status};
use midoctor::evidence::Outcome;
use midoctor::report::{FindingReport, Report, Word};

const WEB: &str = "[command]\nunit = \"web\"\n";
const TITLE: &str = "Nothing in the environment leads clients away";

fn commands(finding: &FindingReport) -> Vec<&str> {
    finding.remedy.commands.iter().map(|command| command.line.as_str()).collect()
}

fn step<'a>(finding: &'a FindingReport, start: &str) -> Option<&'a str> {
    finding.remedy.steps.iter().map(String::as_str).find(|step| step.starts_with(start))
}

#[test]
fn the_line_of_a_healthy_environment_says_whose_it_is() {
    // What is wrong in the shell is not asked about.
    let shell = "[environment]\nHTTP_PROXY = \"http://proxy.contoso.com:3128\"\n";
    for (toml, end) in [
        (String::new(), ""),
        (format!("[command]\npid = 812\n{shell}[unit]\nprocess = {{}}\n"), ": of process 812"),
        (format!("{WEB}{shell}"), ": of web.service, by its files; no process of it was found"),
        (format!("{WEB}{shell}[unit]\nprocess = {{}}\n"), ": of web.service, process 812"),
        (
            format!("{WEB}[unit]\nprocess = {{}}\nunread = [\"the file /etc/web.env could not be read; root may\"]\n"),
            ": of web.service, process 812",
        ),
        (
            format!("{WEB}[unit]\nprocess = {{ NO_PROXY = \"a\" }}\nenvironment = {{ NO_PROXY = \"b\" }}\n"),
            ": of web.service, process 812; its files now set NO_PROXY otherwise, which a restart brings",
        ),
    ] {
        let report = play(&toml);
        assert_eq!(ending(&report, "environment"), (Status::Pass, format!("{TITLE}{end}").as_str()), "{toml}");
    }
}

#[test]
fn what_cannot_be_read_is_unknown_with_the_right_that_is_missing() {
    let denied = play("[command]\npid = 812\n[unit]\nunread = [\"process 812 belongs to web\"]\n");
    assert_eq!(
        ending(&denied, "environment"),
        (Status::Unknown, format!("{TITLE}: unknown, process 812 belongs to web").as_str())
    );
    let unread =
        play(&format!("{WEB}[unit]\nunread = [\"the EnvironmentFile /etc/web.env could not be read; root may\"]\n"));
    let end = ": unknown, the environment of web.service is not known in whole: the EnvironmentFile /etc/web.env could not be \
               read; root may";
    assert_eq!(ending(&unread, "environment"), (Status::Unknown, format!("{TITLE}{end}").as_str()));
    for report in [&denied, &unread] {
        assert_eq!((report.verdict, report.exit_code), (Word::Undetermined, 3));
    }
    // A warning does not make up for what is not known.
    let warned = play(&format!(
        "{WEB}[unit]\nenvironment = {{ HTTP_PROXY = \"http://p:3128\", NO_PROXY = \"169.254.0.0/16\" }}\nunread = [\"x\"]\n"
    ));
    assert_eq!(warned.exit_code, 3);
    // What was read is judged all the same.
    let toml = format!("{WEB}[unit]\nenvironment = {{ HTTP_PROXY = \"http://p:3128\" }}\nunread = [\"something\"]\n");
    assert_eq!(ending(&play(&toml), "environment"), (Status::Fail, "env-proxy"));
}

#[test]
fn what_was_asked_without_a_unit_s_proxy_says_nothing_of_the_way_there() {
    // The name is unknown to this machine, and the proxy that would know it is in a file that root alone may read.
    let way = "arm_name = \"unknown\"\n";
    let unread = format!("{way}{WEB}[unit]\nunread = [\"the file /etc/web.env could not be read; root may\"]\n");
    let report = play(&unread);
    let (status, summary) = ending(&report, "arm");
    assert_eq!(status, Status::Unknown, "{summary}");
    let why = "unknown, it was asked without the proxy and the certificates of web.service, which could not be read";
    assert!(summary.ends_with(why), "{summary}");
    assert_eq!((report.verdict, report.root_cause.as_deref()), (Word::Undetermined, None));
    let probe = "probe = [\"https://kv-doctor.vault.azure.net\"]\n";
    let data = "[[data]]\nhost = \"kv-doctor.vault.azure.net\"\nnetwork = \"firewall\"\n";
    let unit = unread.trim_start_matches(way).trim_start_matches(WEB);
    let report = play(&format!("{WEB}{probe}{unit}{data}"));
    assert!(ending(&report, "data").1.ends_with(why), "{}", ending(&report, "data").1);
    let known = play(&format!("{way}{WEB}"));
    assert_eq!(ending(&known, "arm"), (Status::Fail, "dns-failure"));
}

#[test]
fn a_finding_in_a_process_says_so_and_keeps_the_commands_of_a_shell() {
    let report = play("[command]\npid = 812\n[unit]\nprocess = { IDENTITY_ENDPOINT = \"http://127.0.0.1:41999\" }\n");
    let found = finding(&report, "environment");
    assert!(
        found.seen.starts_with("IDENTITY_ENDPOINT is set to http://127.0.0.1:41999 for process 812: "),
        "{}",
        found.seen
    );
    assert!(commands(found).contains(&"unset IDENTITY_ENDPOINT"), "{:?}", commands(found));
    assert!(!commands(found).iter().any(|line| line.contains("systemctl")));
}

#[test]
fn a_finding_in_a_unit_names_the_file_and_the_commands_of_systemd() {
    for process in ["", "process = { HTTP_PROXY = \"http://p:3128\" }\n"] {
        let report = play(&format!("{WEB}[unit]\nenvironment = {{ HTTP_PROXY = \"http://p:3128\" }}\n{process}"));
        let found = finding(&report, "environment");
        let who = if process.is_empty() { "web.service" } else { "process 812 of web.service" };
        let start = format!("HTTP_PROXY is set to http://p:3128 for {who} by /etc/systemd/system/web.service");
        assert!(found.seen.starts_with(&start), "{}", found.seen);
        assert_eq!(commands(found), ["sudo systemctl edit web.service", "sudo systemctl restart web.service"]);
        assert!(step(found, "The file /etc/systemd/system/web.service sets HTTP_PROXY.").is_some());
        assert!(step(found, "With what the files").is_none() && step(found, "The process of").is_none());
    }
}

#[test]
fn the_drop_in_that_is_advised_sets_both_spellings_and_heals() {
    let proxy = "HTTP_PROXY = \"http://p:3128\"";
    let report = play(&format!("{WEB}[unit]\nenvironment = {{ {proxy}, no_proxy = \"a%b\" }}\n"));
    let advised = step(finding(&report, "environment"), "To set the exceptions for web.service").unwrap();
    let line = r#"`Environment="NO_PROXY=a%%b,169.254.169.254" "no_proxy=a%%b,169.254.169.254"`"#;
    assert!(advised.ends_with(line), "{advised}");
    let both = "NO_PROXY = \"a%b,169.254.169.254\", no_proxy = \"a%b,169.254.169.254\"";
    let healed = play(&format!("{WEB}[unit]\nenvironment = {{ {proxy}, {both} }}\n"));
    assert_eq!(ending(&healed, "environment").0, Status::Pass);
}

#[test]
fn exceptions_that_another_file_sets_are_changed_there() {
    let toml = format!("{WEB}[unit]\nenvironment = {{ HTTP_PROXY = \"http://p:3128\", NO_PROXY = \"a\" }}\n");
    for file in ["/etc/web.env", "/etc/systemd/system/web.service.d/proxy.conf"] {
        let mut evidence = played::evidence(&toml, &[]);
        for attempt in evidence.exchanges.iter_mut().flat_map(|exchange| &mut exchange.attempts) {
            if let Outcome::Variables { unit: Some(unit), .. } = &mut attempt.outcome {
                unit.from.insert("NO_PROXY".into(), file.into());
            }
        }
        let report = judged(evidence);
        let found = finding(&report, "environment");
        let place = format!("The exceptions of web.service stand in {file}: ");
        assert!(step(found, &place).is_some(), "{:?}", found.remedy.steps);
        assert!(step(found, "To set the exceptions").is_none());
        assert_eq!(commands(found), ["sudo systemctl daemon-reload && sudo systemctl restart web.service"]);
    }
}

#[test]
fn what_only_the_process_has_goes_with_a_restart() {
    for (declared, told) in [
        ("", ", though its files do not set it"),
        (
            "environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST = \"http://169.254.169.254/\" }\n",
            ", though /etc/systemd/system/web.service now says otherwise",
        ),
    ] {
        let report = play(&format!(
            "{WEB}[unit]\n{declared}process = {{ AZURE_POD_IDENTITY_AUTHORITY_HOST = \"http://127.0.0.1:4242\" }}\n"
        ));
        let found = finding(&report, "environment");
        let start = format!(
            "AZURE_POD_IDENTITY_AUTHORITY_HOST is set to http://127.0.0.1:4242 for process 812 of web.service{told}: "
        );
        assert!(found.seen.starts_with(&start), "{}", found.seen);
        assert_eq!(commands(found), ["sudo systemctl daemon-reload && sudo systemctl restart web.service"]);
        assert!(step(found, "With what the files of web.service say now this is gone: restart the unit.").is_some());
        assert!(step(found, "The file ").is_none(), "{:?}", found.remedy.steps);
    }
    // Where not all files could be read, nothing is said of what they do not say.
    let report = play(&format!(
        "{WEB}[unit]\nunread = [\"x\"]\nprocess = {{ AZURE_POD_IDENTITY_AUTHORITY_HOST = \"http://127.0.0.1:4242\" }}\n"
    ));
    let found = finding(&report, "environment");
    assert!(found.seen.contains(" for process 812 of web.service: "), "{}", found.seen);
    assert!(step(found, "With what the files").is_none());
}

#[test]
fn what_the_files_bring_at_the_next_restart_is_a_warning() {
    let report = play(&format!(
        "{WEB}[unit]\nenvironment = {{ MSI_ENDPOINT = \"http://127.0.0.1:4242\" }}\nprocess = {{ NO_PROXY = \"a\" }}\n"
    ));
    let found = finding(&report, "environment");
    assert_eq!((found.code.as_str(), found.severity), ("env-shadowed", Severity::Warning));
    let told = " in /etc/systemd/system/web.service, not yet in process 812 of web.service, which gets it when it is restarted: ";
    assert!(found.seen.contains(told), "{}", found.seen);
    assert!(step(found, "The process of web.service does not have MSI_ENDPOINT yet.").is_some());
    assert_eq!((report.exit_code, report.root_cause.as_deref()), (0, None));
}

#[test]
fn an_exception_that_was_added_since_goes_with_a_restart() {
    let proxy = "HTTP_PROXY = \"http://p:3128\"";
    let report = play(&format!(
        "{WEB}[unit]\nenvironment = {{ {proxy}, NO_PROXY = \"169.254.169.254\" }}\nprocess = {{ {proxy} }}\n"
    ));
    let found = finding(&report, "environment");
    assert!(
        found.seen.contains(" by /etc/systemd/system/web.service, which its files now make up for, "),
        "{}",
        found.seen
    );
    assert_eq!(commands(found), ["sudo systemctl daemon-reload && sudo systemctl restart web.service"]);
}

#[test]
fn one_thing_is_not_found_twice() {
    let report = play(&format!(
        "{WEB}[unit]\nenvironment = {{ HTTP_PROXY = \"http://new:3128\" }}\nprocess = {{ HTTP_PROXY = \"http://old:3128\" }}\n"
    ));
    let found = finding(&report, "environment");
    assert!(found.seen.contains("http://old:3128 for process 812"), "{}", found.seen);
    assert_eq!(commands(found)[0], "sudo systemctl edit web.service", "a restart would not help");
}

#[test]
fn a_saved_report_is_judged_by_the_environment_it_was_made_for() {
    let evidence = played::evidence(&format!("{WEB}[unit]\nenvironment = {{ HTTP_PROXY = \"http://p:3128\" }}\n"), &[]);
    let text = serde_json::to_string(&evidence).unwrap();
    let again: Report = judged(serde_json::from_str(&text).unwrap());
    assert_eq!(again.checks, judged(evidence).checks);
    assert_eq!(ending(&again, "environment"), (Status::Fail, "env-proxy"));
}

#[test]
fn a_scenario_cannot_name_two_environments_or_none() {
    use midoctor::{options, plan::Whose};
    assert!(options::whose(Some("1"), Some("web")).is_err());
    assert_eq!(options::whose(None, Some("web@1")), Ok(Whose::Unit("web@1.service".into())));
    assert_eq!(options::whose(Some("812"), None), Ok(Whose::Process(812)));
    for pid in ["0", "-1", "+1", "", "x", "4294967296", "1 2", "0x10", "²"] {
        assert!(options::whose(Some(pid), None).is_err(), "{pid}");
    }
}
