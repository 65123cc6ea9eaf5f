//! The files of units as systemd itself reads them, by its own test mode, held against what midoctor says of them. Left out where
//! no systemd is installed.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::environments::{PROXY, UNIT, environment, examined, files, told};
use crate::namespace::Case;
use crate::namespace::simulator::{Simulator, check};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("environment of a unit as systemd itself reads its files", as_systemd),
        Case::new("environment of a unit after the drop-in that was advised", of_the_drop_in),
    ]
}

/// Where distributions keep systemd.
const SYSTEMD: [&str; 2] = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"];

/// What systemd says of the variables of a unit, by its own test mode, which only starts for somebody who is not root.
fn of_systemd(unit: &str) -> Option<String> {
    let systemd = SYSTEMD.into_iter().find(|path| Path::new(path).exists())?;
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-user=1000", "--", systemd, "--test", "--system", &format!("--unit={unit}")]);
    let output = command.env_clear().env("HOME", "/root").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, ours) = text.split_once(&format!("-> Unit {unit}:\n"))?;
    let ours = ours.split("-> Unit ").next()?;
    let mut lines: Vec<&str> =
        ours.lines().filter_map(|line| line.trim_start().strip_prefix("Environment: ")).collect();
    lines.sort_unstable();
    Some(lines.join("\n"))
}

fn as_systemd() {
    let own = "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n\
               Environment=\"HTTP_PROXY=http://%i:80/%p a\" NO_PROXY=a\\x20b 'no_proxy=it\\'s' ALL_PROXY=\"q\"uoted'x'\n\
               Environment=AZURE_CLIENT_ID=kept AZURE_TENANT_ID=\\q https_proxy=lost\n\
               Environment=AZURE_USERNAME=%40lost CURL_CA_BUNDLE=%%40kept\n\
               Environment=IMDS_ENDPOINT=a \\\n# a comment\n  ACC_CLOUD=b\\\n MSI_ENDPOINT=%I/%f/%j/%h/%t/%S/%u/%U/%o/%w/%a/%l/%v\n\
               Environment=SSL_CERT_DIR=\"a\\\\b\\tc\" all_proxy=\\u00e9\\101\n";
    let say = |variable: &str, value: &str| format!("[Service]\nEnvironment={variable}={value}\n");
    files(&[
        ("/run/systemd/system/midoctor-a-web@.service", own),
        ("/run/systemd/system/midoctor-a-web@1\\x2d2-3.service.d/50.conf", &say("IDENTITY_ENDPOINT", "instance")),
        ("/run/systemd/system/midoctor-a-web@.service.d/50.conf", &say("IDENTITY_ENDPOINT", "template")),
        ("/run/systemd/system.control/midoctor-a-web@.service.d/60.conf", &say("AZURE_AUTHORITY_HOST", "control")),
        ("/run/systemd/system/midoctor-a-web@.service.d/60.conf", &say("AZURE_AUTHORITY_HOST", "system")),
        ("/run/systemd/system/midoctor-a-@.service.d/70.conf", &say("AZURE_TOKEN_CREDENTIALS", "dash-instance")),
        ("/run/systemd/system/midoctor-a-.service.d/70.conf", &say("AZURE_TOKEN_CREDENTIALS", "dash")),
        ("/run/systemd/system/midoctor-.service.d/71.conf", &say("AZURE_FEDERATED_TOKEN_FILE", "short")),
        ("/run/systemd/system/service.d/71.conf", &say("AZURE_FEDERATED_TOKEN_FILE", "kind")),
        ("/run/systemd/system/service.d/72.conf", &say("AZURE_CLIENT_CERTIFICATE_PATH", "kind")),
        ("/run/systemd/system/midoctor-b@.service.d/80.conf", &say("AZURE_POD_IDENTITY_AUTHORITY_HOST", "alias")),
    ]);
    let link = "/run/systemd/system/midoctor-b@.service";
    std::os::unix::fs::symlink("midoctor-a-web@.service", link).unwrap();
    for unit in ["midoctor-a-web@1\\x2d2-3.service", "midoctor-a-web@z.service"] {
        let Some(theirs) = of_systemd(unit) else {
            println!("skipped: systemd's test mode says nothing here");
            return;
        };
        let ran = examined(&mut check(None, &["--unit", unit, "--timeout", "1s", "--deadline", "2s"]));
        let exchanges = ran.report["evidence"]["exchanges"].as_array().unwrap();
        let of_unit = exchanges.iter().find(|exchange| exchange["request"]["ask"] == "environment").unwrap();
        let declared = of_unit["attempts"][0]["outcome"]["unit"]["declared"].as_object().unwrap();
        let mut ours: Vec<String> =
            declared.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap())).collect();
        ours.sort_unstable();
        assert_eq!(ours.join("\n"), theirs, "{unit}");
    }
}

fn of_the_drop_in() {
    let simulator = Simulator::start("healthy", &[]);
    let authority = simulator.authority().display().to_string();
    let service = format!("[Service]\nEnvironment={} HTTP_PROXY={PROXY} NO_PROXY=a%%b\n", told(&authority));
    files(&[(&format!("/run/systemd/system/{UNIT}"), &service)]);
    let ran = examined(&mut check(None, &["--unit", UNIT]));
    ran.assert_end(1, "unhealthy", "env-proxy");
    assert!(ran.text.contains(&format!("sudo systemctl edit {UNIT}")), "{}", ran.text);
    let checks = ran.report["checks"].as_array().unwrap().iter();
    let steps = checks.flat_map(|check| check["findings"].as_array().cloned().unwrap_or_default());
    let steps: Vec<String> = steps
        .flat_map(|finding| finding["remedy"]["steps"].as_array().cloned().unwrap_or_default())
        .filter_map(|step| step.as_str().map(str::to_owned))
        .collect();
    let advised = steps.iter().find_map(|step| step.split_once("`Environment=")?.1.strip_suffix('`'));
    let drop_in = format!("[Service]\nEnvironment={}\n", advised.unwrap_or_else(|| panic!("{steps:?}")));
    let (own, by_editor) =
        (format!("/run/systemd/system/{UNIT}"), format!("/run/systemd/system/{UNIT}.d/override.conf"));
    files(&[(&own, &service), (&by_editor, &drop_in)]);
    let healed = examined(&mut check(None, &["--unit", UNIT]));
    let (status, summary, _) = environment(&healed);
    assert_eq!(status, "pass", "{summary}");
}
