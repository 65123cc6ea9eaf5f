//! The command line: what is typed, what is printed, how it ends. Only commands that talk to nobody are run here; `check`
//! itself is run by the network suite, in a namespace of its own.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::process::Stdio;

use crate::common::{golden, midoctor, ran, refused, run};

/// Times that depend on when the test runs.
fn without_times(text: &str) -> String {
    regex::Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ").unwrap().replace_all(text, "TIME").into_owned()
}

#[test]
fn a_healthy_vm_says_who_signs_in_and_what_to_try_next() {
    let ran = run(&["demo", "healthy"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    golden("healthy.txt", &without_times(&ran.stdout));
}

#[test]
fn a_user_assigned_identity_is_named_in_the_sign_in_lines() {
    let ran = run(&["demo", "healthy-user-assigned"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    golden("healthy-user-assigned.txt", &without_times(&ran.stdout));
}

#[test]
fn a_vm_without_identity_is_sent_to_the_portal_page_and_gets_commands_to_paste() {
    let ran = run(&["demo", "identity-none"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    golden("identity-none.txt", &ran.stdout);
}

#[test]
fn without_utf8_the_same_is_said_in_ascii() {
    let ran = ran(midoctor(&["demo", "identity-none"]).env("LANG", "C"));
    assert!(ran.stdout.is_ascii(), "{}", ran.stdout);
    golden("identity-none-ascii.txt", &ran.stdout);
}

#[test]
fn warnings_are_shown_and_end_with_zero() {
    let ran = run(&["demo", "legacy-answering", "-q"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    golden("legacy-answering-quiet.txt", &ran.stdout);
}

#[test]
fn quiet_prints_nothing_when_healthy() {
    let ran = run(&["demo", "healthy", "-q"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn colour_is_used_when_asked_for_and_never_otherwise() {
    assert!(!run(&["demo", "healthy"]).stdout.contains('\u{1b}'));
    assert!(run(&["demo", "healthy", "--color", "always"]).stdout.contains("\u{1b}[32m✓"));
    assert!(!run(&["demo", "healthy", "--color", "never"]).stdout.contains('\u{1b}'));
}

#[test]
fn every_question_is_shown_with_verbose() {
    let ran = run(&["demo", "healthy", "-v"]);
    assert!(ran.stdout.contains("3 ms  GET /metadata/identity/oauth2/token: 200\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("40 ms  GET https://management.azure.com/subscriptions/"), "{}", ran.stdout);
}

#[test]
fn json_is_the_report_and_nothing_else() {
    let ran = run(&["demo", "role-missing", "-o", "json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let keys: Vec<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
    let design = [
        "checks",
        "evidence",
        "exit_code",
        "identities",
        "root_cause",
        "run",
        "schema",
        "summary",
        "tool",
        "verdict",
        "vm",
    ];
    assert_eq!(keys, design);
    assert_eq!(report["schema"], "midoctor.report/1");
    assert_eq!(report["root_cause"], "role-missing");
    assert_eq!(report["summary"]["fail"], 1);
}

#[test]
fn each_format_can_go_to_its_own_file_and_an_old_file_is_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    std::fs::write(&file, "old ".repeat(100_000)).unwrap();
    let target = format!("json={}", file.display());
    let ran = run(&["demo", "identity-none", "-o", "text", "-o", &target]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    assert!(ran.stdout.ends_with("blocked, 1 skipped; took 46 ms\n"), "{}", ran.stdout);
    let report: midoctor::report::Report = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(report.root_cause.as_deref(), Some("identity-none"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file was left behind");
}

#[cfg(unix)]
#[test]
fn a_report_can_go_to_a_device_and_through_a_link() {
    assert_eq!(run(&["demo", "healthy", "-o", "json=/dev/null"]).code, Some(0));
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    std::fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert_eq!(run(&["demo", "healthy", "-o", &format!("json={}", link.display())]).code, Some(0));
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink(), "the link was replaced");
    assert!(std::fs::read_to_string(&file).unwrap().starts_with('{'));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_a_reader_that_left_is_not() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let full = ran(midoctor(&["demo", "healthy"]).stdout(full));
    let said = "midoctor: standard output cannot be written: No space left on device (os error 28)\n";
    assert_eq!((full.code, full.stderr.as_str()), (Some(2), said));

    let mut child = midoctor(&["explain"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let left = child.wait_with_output().unwrap();
    assert_eq!((left.status.code(), left.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn bad_input_is_one_line_that_names_what_is_accepted() {
    for (arguments, line) in [
        (
            &["check", "--resource", "valut"][..],
            "midoctor: --resource takes a URI (https://… or api://…) or one of arm, vault, managedhsm, storage, sql, postgres, mysql, servicebus, eventhubs, cosmos, appconfig, registry, batch, synapse, loganalytics, appinsights, graph; “valut” is neither; did you mean “vault”?",
        ),
        (
            &["--identity", "id-app"],
            "midoctor: --identity takes a client ID or an object ID (a GUID), all, or the resource ID of a user-assigned identity (/subscriptions/…/resourceGroups/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME); “id-app” is none of these",
        ),
        (&["--timeout", "soon"], "midoctor: --timeout takes a duration such as 500ms, 10s or 2m; “soon” is none"),
        (&["--deadline", "0s"], "midoctor: --deadline takes a duration longer than nothing, such as 10s"),
        (
            &["-o", "jsno"],
            "midoctor: -o takes text, line, json, compact, ndjson, junit, markdown, html, github, azdo or prom, each with =FILE to write it there; “jsno” is none of them; did you mean “json”?",
        ),
        (&["-o", "json="], "midoctor: -o json= names no file; write -o json=FILE, or -o json for standard output"),
        (
            &["-o", "json", "-o", "text"],
            "midoctor: two outputs go to standard output; give one of them a file, as in -o json=report.json",
        ),
        (&["-o", "json=x", "-o", "text=x"], "midoctor: two outputs go to the same file; give each its own"),
        (
            &["-o", "json=/no/such/folder/x"],
            "midoctor: /no/such/folder/x cannot be written: there is no such directory; name a file in one that exists",
        ),
        (
            &["--color", "purple"],
            "midoctor: invalid value 'purple' for '--color <WHEN>' [possible values: auto, always, never]; midoctor --help lists what can be typed",
        ),
        (&["--pid", "0"], "midoctor: --pid takes the number of a process, such as 812; “0” is none"),
        (&["check", "--pid", "web"], "midoctor: --pid takes the number of a process, such as 812; “web” is none"),
        (
            &["--pid", "1", "--unit", "web"],
            "midoctor: the argument '--pid <PID>' cannot be used with '--unit <UNIT>'; midoctor --help lists what can be typed",
        ),
        (
            &["--unit", "../web"],
            "midoctor: --unit takes the name of a systemd service, such as web or web@1.service; “../web” is no name that systemd allows",
        ),
        (
            &["--unit", ""],
            "midoctor: --unit takes the name of a systemd service, such as web or web@1.service; “” is no name that systemd allows",
        ),
        (
            &["--unit", "web@.service"],
            "midoctor: --unit takes the name of a systemd service, such as web or web@1.service; “web@.service” is a template: name one of its instances, such as web@1.service",
        ),
        (
            &["--unit", "web.timer"],
            "midoctor: --unit takes the name of a systemd service, such as web or web@1.service; “web.timer” is a timer, which starts no process with an environment",
        ),
        (
            &["--pid", "4294967295"],
            "midoctor: --pid 4294967295: /proc shows no process of that number, so it has ended or is hidden from you (hidepid); ps -e lists those you can name, and sudo shows all",
        ),
        (
            &["--unit", "midoctor-no-such-unit"],
            "midoctor: --unit midoctor-no-such-unit.service: no file in /etc/systemd/system, /run/systemd or /usr/lib/systemd/system defines it, and no process belongs to it; systemctl list-units lists them; for a unit of systemctl --user name its process with --pid",
        ),
        (
            &["--skip", "metdata"],
            "midoctor: --skip: “metdata” is no check and no code that one finds, and matches none; did you mean “metadata”? midoctor explain lists them all",
        ),
        (
            &["--only", "role-[", "--only", "clock"],
            "midoctor: --only takes a glob such as role-*; “role-[” is none: invalid range pattern",
        ),
        (
            &["explain", "role-mising"],
            "midoctor: “role-mising” is neither a check nor a code; did you mean “role-missing”? midoctor explain lists them all",
        ),
        (
            &["explain", "xyzzy\u{1b}[2J"],
            "midoctor: “xyzzy\\u{1b}[2J” is neither a check nor a code; midoctor explain lists them all",
        ),
        (
            &["demo", "imds-thorttled"],
            "midoctor: “imds-thorttled” is not a scenario; did you mean “imds-throttled”? midoctor demo lists them all",
        ),
        (&["simulate", "imds-header"], "midoctor: “imds-header” is not a scenario; midoctor demo lists them all"),
        (
            &["generate", "scheme"],
            "midoctor: unrecognized subcommand 'scheme' tip: a similar subcommand exists: 'schema'; midoctor --help lists what can be typed",
        ),
        (
            &["generate"],
            "midoctor: 'midoctor generate' requires a subcommand but one was not provided [subcommands: completions, man, schema, candidates, help]; midoctor --help lists what can be typed",
        ),
        (
            &["generate", "completions", "tcsh"],
            "midoctor: invalid value 'tcsh' for '<SHELL>' [possible values: bash, zsh, fish, powershell] tip: a similar value exists: 'zsh'; midoctor --help lists what can be typed",
        ),
        (
            &["generate", "man", "--dir", "no/such"],
            "midoctor: --dir takes a directory that is there; no/such is none; make it with mkdir -p",
        ),
        (
            &["generate", "man", "--dir", "Cargo.toml"],
            "midoctor: --dir takes a directory that is there; Cargo.toml is none; make it with mkdir -p",
        ),
    ] {
        assert_eq!(refused(arguments), line, "{arguments:?}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_found_before_anything_is_asked_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let first = format!("json={}", folder.path().join("first.json").display());
    let line = refused(&["demo", "healthy", "-o", &first, "-o", &format!("text={}", folder.path().display())]);
    assert!(line.ends_with("is a directory; name a file in it"), "{line}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was written");
}

/// A device is written to and not replaced, and what was there stays as it was when nothing can be served.
#[cfg(target_os = "linux")]
#[test]
fn simulate_writes_its_authority_only_once_it_listens() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, "old").unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = refused(&["simulate", "--listen", &address, "--ca", file.to_str().unwrap()]);
    assert!(line.contains("Address already in use") && line.ends_with("with --listen and --listen-arm"), "{line}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let line = refused(&["simulate", "--ca", "/no/such/folder/ca.pem"]);
    assert_eq!(
        line,
        "midoctor: /no/such/folder/ca.pem cannot be written: there is no such directory; name a file in one that exists"
    );
}

#[test]
fn explain_lists_every_check_and_code() {
    let ran = run(&["explain"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    for check in midoctor::checks::all() {
        assert!(ran.stdout.contains(&format!("\n  {:<14}", check.id)), "{}", check.id);
        for section in &midoctor::page::of(check).sections {
            assert!(ran.stdout.contains(&format!("\n    {:<22}", section.code)), "{}", section.code);
        }
    }
}

#[test]
fn explain_prints_a_code_and_a_whole_page() {
    let code = run(&["explain", "legacy-endpoint"]);
    assert_eq!((code.code, code.stderr.as_str()), (Some(0), ""));
    golden("explain-legacy-endpoint.txt", &code.stdout);
    let page = run(&["explain", "retired"]);
    assert!(page.stdout.starts_with("Nothing answers at the retired endpoint\ncheck retired\n"), "{}", page.stdout);
    assert!(page.stdout.contains("legacy-answering") && page.stdout.ends_with(&code.stdout), "{}", page.stdout);
}

#[test]
fn the_two_messages_that_started_this_project_lead_to_the_portal_page() {
    for code in ["legacy-endpoint", "identity-none"] {
        let words = run(&["explain", code]).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("Identity > System assigned > Status On > Save"), "{code}");
        assert!(words.contains("MSI: Failed to retrieve a token from"), "{code}");
        assert!(words.contains("Invoke-WebRequest : Unable to connect to the remote server"), "{code}");
    }
    let words = run(&["explain", "role-missing"]).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("at least Reader on the VM or above"), "{words}");
}

#[test]
fn every_fix_in_azure_has_both_shells() {
    for check in midoctor::checks::all() {
        for section in &midoctor::page::of(check).sections {
            let has = |shell| section.commands.iter().any(|command| command.shell == shell);
            use midoctor::page::Shell::{Az, Pwsh};
            // The Azure CLI has no command for deny assignments.
            assert!(
                has(Az) <= has(Pwsh)
                    && (has(Pwsh) <= has(Az)
                        || section.commands.iter().all(|command| command.place != midoctor::page::Place::Operator)
                        || section.code == "role-denied"),
                "{}",
                section.code
            );
        }
    }
}

#[test]
fn demo_lists_every_scenario() {
    let ran = run(&["demo"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    for scenario in midoctor::scenarios::all() {
        assert!(ran.stdout.contains(&format!("\n  {:<24}", scenario.name)), "{}", scenario.name);
    }
}

#[test]
fn the_schema_is_a_json_schema_of_the_report() {
    let schema: serde_json::Value = serde_json::from_str(&run(&["generate", "schema"]).stdout).unwrap();
    let report: serde_json::Value = serde_json::from_str(&run(&["demo", "healthy", "-o", "json"]).stdout).unwrap();
    assert!(jsonschema::is_valid(&schema, &report));
}
