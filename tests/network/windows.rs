//! The program for Windows, at the real addresses, under Wine: what it finds there, what the registry, the routes and the console of
//! Windows add to it, and how it ends.
//!
//! `MIDOCTOR_WINDOWS_EXE` names the program, built for x86_64-pc-windows-gnu. Wine 8 lacks bcryptprimitives.dll, whose one function
//! that Rust needs is built here. Wine has no PowerShell: what it makes of exit codes and of bytes is not tried.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::namespace::simulator::{self, Simulator};
use crate::namespace::{Case, place};
use crate::patience::until;
use crate::terminal::on_terminal;
use crate::wine::{Windows, missing, text, utf16};

const MACHINE: &str = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Session Manager\Environment";
const INTERNET: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings";
/// Wine starts each program anew, and on a machine that is busy takes seconds for it.
const PATIENCE: Duration = Duration::from_secs(300);
const TAG: &str = "7783-7084-3265-9085-8269-3286-77";

/// Each sets up a Windows of its own, and its processes end with it.
pub fn cases() -> Vec<Case> {
    if missing().is_empty() {
        vec![Case::new("windows: a VM under Wine", windows).with_all_users().with_patience(PATIENCE)]
    } else {
        Vec::new()
    }
}

/// All in one, since Wine takes its time to set up a Windows.
fn windows() {
    let windows = Windows::new();
    windows.says_what_linux_says();
    windows.writes_and_ends_as_scripts_expect();
    windows.shows_colours_on_a_console();
    windows.is_interrupted();
    windows.reads_its_registry();
    windows.reads_its_routes();
}

impl Windows {
    fn says_what_linux_says(&self) {
        for name in ["healthy", "role-missing", "legacy-answering", "imds-updating", "tls-intercepted", "dns-failure"] {
            let simulator = Simulator::start(name, &[]);
            if name == "dns-failure" {
                place::names_are_unknown();
            }
            let ran = self.examine(Some(&simulator), &[]);
            let expected = simulator::json(&["demo", name, "-o", "json"]);
            assert_eq!(gist(&ran.report), gist(&expected), "{name}: {}", ran.text);
            assert_eq!(ran.code.map(i64::from), expected["exit_code"].as_i64(), "{name}");
        }
        place::names_lead_to("127.0.0.1");
    }

    fn writes_and_ends_as_scripts_expect(&self) {
        let batch = [
            "@echo off",
            r"midoctor.exe demo identity-none -o line -o json=C:\out.json",
            "echo ended with %errorlevel%",
            "midoctor.exe demo healthy -q",
            "echo ended with %errorlevel%",
            "midoctor.exe --nonsense 2>nul",
            "echo ended with %errorlevel%",
            "midoctor.exe demo imds-throttled -o line",
            "echo ended with %errorlevel%",
        ];
        fs::write(self.path("codes.bat"), batch.join("\r\n") + "\r\n").unwrap();
        let output = self.wine("cmd", &["/c", "codes.bat"]).output().unwrap();
        let said: Vec<&str> = text(&output.stdout).lines().map(str::trim_end).collect();
        let [line, first, second, third, ..] = said[..] else { panic!("{said:?}") };
        assert_eq!(line, "UNHEALTHY identity-none: No managed identity is enabled on this VM.");
        assert_eq!([first, second, third], ["ended with 1", "ended with 0", "ended with 2"]);
        assert_eq!(said.last(), Some(&"ended with 1"), "{said:?}");
        let written = fs::read(self.path("prefix/drive_c/out.json")).unwrap();
        let report: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(report["root_cause"], "identity-none");
        simulator::assert_valid(&report);
        // What is redirected holds no command for a terminal and no sign that a code page could spoil, unless UTF-8 is asked for.
        let plain = self.midoctor(None, &["demo", "identity-none"]).output().unwrap();
        assert!(plain.stdout.is_ascii() && !plain.stdout.contains(&0x1b), "{}", text(&plain.stdout));
        assert!(text(&plain.stdout).contains("x No managed identity is enabled on this VM.  [identity-none]"));
        let utf8 = self.midoctor(None, &["demo", "identity-none"]).env("LANG", "C.UTF-8").output().unwrap();
        assert!(text(&utf8.stdout).contains("✗ No managed identity is enabled on this VM.  [identity-none]"));
        // JSON that is piped to PowerShell is ASCII as well, and says the same.
        let piped = self.midoctor(None, &["demo", "env-proxy", "-o", "json"]).output().unwrap();
        let report: Value = serde_json::from_slice(&piped.stdout).unwrap();
        assert!(piped.stdout.is_ascii() && text(&piped.stdout).contains(r"\u201c"), "{}", text(&piped.stdout));
        assert_eq!(gist(&report), gist(&simulator::json(&["demo", "env-proxy", "-o", "json"])));
        let colour = self.midoctor(None, &["demo", "identity-none", "--color", "always"]).output().unwrap();
        assert!(colour.stdout.windows(2).any(|two| two == b"\x1b["), "{}", text(&colour.stdout));
        // A service that is not there is refused in Windows' words.
        let refused = self.midoctor(None, &["check", "--unit", "W32Tine"]).output().unwrap();
        assert_eq!(refused.status.code(), Some(2));
        let complaint = text(&refused.stderr).trim_end();
        assert!(complaint.contains("--unit W32Tine: the registry has no service of that name"), "{complaint}");
        assert!(complaint.ends_with("Get-Service lists them"), "{complaint}");
    }

    /// A terminal is a console to what runs under Wine, which draws it anew.
    fn shows_colours_on_a_console(&self) {
        for (no_colour, expected) in [(None, true), (Some("1"), false)] {
            let mut command = self.midoctor(None, &["demo", "identity-none", "-q"]);
            command.envs([("LANG", "C.UTF-8"), ("TERM", "xterm")]).envs(no_colour.map(|set| ("NO_COLOR", set)));
            let shown = on_terminal(command, 100);
            assert_eq!(shown.code, Some(1), "{}", shown.text);
            assert!(
                shown.text.contains("No managed identity is enabled on this VM.  [identity-none]"),
                "{}",
                shown.text
            );
            assert!(shown.text.contains('✗'), "{}", shown.text);
            // Bold and red.
            assert_eq!(shown.text.contains("\x1b[1;31m"), expected, "{}", shown.text);
        }
    }

    /// Ctrl-C, while packets vanish.
    fn is_interrupted(&self) {
        place::take_metadata_away();
        place::drop_packets_to("169.254.169.254");
        let mut command = self.midoctor(None, &["check", "-o", "json"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The handler is there before the first packet, and the packets vanish for two seconds.
        until("a question", || asks(METADATA_IN_SYN));
        place::run("kill", &["-INT", &child.id().to_string()]);
        let output = child.wait_with_output().unwrap();
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
        assert_eq!((output.status.code(), &report["run"]["cut_short"]["by"]), (Some(130), &json!("SIGINT")));
        place::run("ip", &["route", "del", "169.254.169.254/32"]);
        place::run("ip", &["address", "add", place::METADATA, "dev", "lo"]);
    }

    fn reads_its_registry(&self) {
        let simulator = Simulator::start("healthy", &[]);
        let firmware = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\mssmbios\Data";
        self.write(firmware, &[("SMBiosData", &hex(&tables(TAG)))]);
        let ran = self.examine(Some(&simulator), &[]);
        assert_eq!(ran.end(), (Some(0), "healthy", ""), "{}", ran.text);
        let summary = format!("This machine is an Azure VM: chassis asset tag {TAG}");
        assert_eq!(ran.check("platform")["summary"], json!(summary));
        // Proxies, and variables that this process does not have.
        let proxy = win_http("proxy.contoso.com:8080", "<local>;*.contoso.com");
        self.write(&format!(r"HKEY_LOCAL_MACHINE\{INTERNET}\Connections"), &[("WinHttpSettings", &hex(&proxy))]);
        let user = [
            ("ProxyEnable", "dword:00000001"),
            ("ProxyServer", "\"http=user:canary-7f3a@proxy.contoso.com:3128;https=other:3129\""),
            ("ProxyOverride", "\"<local>\""),
        ];
        self.write(&format!(r"HKEY_CURRENT_USER\{INTERNET}"), &user);
        self.write(MACHINE, &[("IDENTITY_ENDPOINT", "\"http://127.0.0.1:41999/msi/token\"")]);
        let ran = self.examine(Some(&simulator), &[]);
        assert_eq!(ran.end(), (Some(1), "unhealthy", "env-proxy"), "{}", ran.text);
        assert!(!ran.report.to_string().contains("canary-7f3a"), "a password is in the report");
        let environment = ran.check("environment");
        let found = environment["findings"].as_array().unwrap();
        let of = |index: usize| -> (&str, &str, &str) {
            let one = &found[index];
            let part = |name: &str| one[name].as_str().unwrap();
            (part("code"), part("severity"), part("seen"))
        };
        let (code, severity, seen) = of(0);
        assert_eq!((code, severity), ("env-proxy", "warning"));
        assert_eq!(
            seen.split(" Those of").next().unwrap(),
            "The machine's proxy for WinHTTP is set to proxy.contoso.com:8080, and 169.254.169.254 is not exempt (its exceptions: \
             “<local>;*.contoso.com”). Metadata requests of these clients go there: the Azure SDK for C++ and other programs that \
             use WinHTTP, such as Windows' own services."
        );
        assert_eq!(
            lines(&found[0]),
            ["netsh winhttp set proxy 'proxy.contoso.com:8080' '<local>;*.contoso.com;169.254.169.254'"]
        );
        let (code, severity, seen) = of(1);
        assert_eq!((code, severity), ("env-proxy", "error"));
        assert_eq!(
            seen.split(" Those of").next().unwrap(),
            "The user's proxy in Windows' Internet settings is set to proxy.contoso.com:3128, and 169.254.169.254 is not exempt \
             (its exceptions: “<local>”). Metadata requests of these clients go there: Windows PowerShell, Python (Azure CLI, \
             azure-identity, MSAL), azure.identity.aio for Python, .NET and PowerShell 7 and Rust."
        );
        let (code, severity, seen) = of(2);
        assert_eq!((code, severity, found.len()), ("env-shadowed", "error", 3));
        let place = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment";
        assert!(seen.starts_with("IDENTITY_ENDPOINT") && seen.contains(&format!(" by {place}: ")), "{seen}");
        let steps = found[2]["remedy"]["steps"].as_array().unwrap();
        let step = format!("Windows keeps IDENTITY_ENDPOINT in the registry, in {place}.");
        assert!(steps.iter().any(|one| one.as_str().unwrap().starts_with(&step)), "{steps:?}");
        // What nobody can paste into PowerShell is not offered there.
        assert!(
            found.iter().all(|one| lines(one).iter().all(|line| !line.contains("unset") && !line.contains("export")))
        );
        // A shell that is older than the variable, or has taken it away.
        let batch =
            ["@echo off", "set IDENTITY_ENDPOINT=", r"midoctor.exe check --only environment -o json=C:\older.json"];
        fs::write(self.path("older.bat"), batch.join("\r\n") + "\r\n").unwrap();
        self.wine("cmd", &["/c", "older.bat"]).output().unwrap();
        let older: Value = serde_json::from_slice(&fs::read(self.path("prefix/drive_c/older.json")).unwrap()).unwrap();
        let found = older["checks"].as_array().unwrap().iter().find(|check| check["id"] == "environment").unwrap();
        let last = found["findings"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["code"], &last["severity"]), (&json!("env-shadowed"), &json!("warning")));
        let whose = format!(" in {place}, not in midoctor's own environment; programs get it that are started anew: ");
        assert!(last["seen"].as_str().unwrap().contains(&whose), "{}", last["seen"]);
        // A service has the machine's variables, and the machine's proxy.
        let services = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\midoctor-web";
        let texts = hex(&utf16("HTTP_PROXY=x:1\0\0")).replace("hex:", "hex(7):");
        self.write(services, &[("Environment", &texts)]);
        let ran = self.examine(Some(&simulator), &["--unit", "midoctor-web"]);
        let found = ran.check("environment")["findings"].as_array().unwrap();
        let seen: Vec<&str> = found.iter().map(|one| one["seen"].as_str().unwrap()).collect();
        let own = r"is set to x:1 for midoctor-web by HKLM\SYSTEM\CurrentControlSet\Services\midoctor-web, and";
        assert!(seen[0].contains(own), "{}", seen[0]);
        assert!(seen[1].starts_with("The machine's proxy for WinHTTP"), "{}", seen[1]);
        assert!(seen[2].starts_with("IDENTITY_ENDPOINT is set to") && seen.len() == 3, "{seen:?}");
        self.write(MACHINE, &[("IDENTITY_ENDPOINT", "-")]);
    }

    /// Nobody answers, and the routes tell why.
    fn reads_its_routes(&self) {
        place::take_metadata_away();
        place::card("eth0", "10.0.1.4/24");
        place::card("eth1", "10.0.2.4/24");
        place::route_by(&["default", "via", "10.0.1.1", "dev", "eth0"]);
        place::route_by(&["169.254.169.254/32", "via", "10.0.2.1", "dev", "eth1"]);
        let persistent = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\PersistentRoutes";
        self.write(persistent, &[("169.254.169.254,255.255.255.255,10.0.2.1,1", "\"\"")]);
        self.shows_card("eth0");
        let ran = self.examine(None, &[]);
        assert_eq!(ran.end(), (Some(1), "unhealthy", "imds-timeout"), "{}", ran.text);
        let seen = ran.check("metadata")["findings"][0]["seen"].as_str().unwrap();
        let reason = "This may explain it: the permanent route 169.254.169.254/32 by eth1 through 10.0.2.1 takes packets to \
                      169.254.169.254, while the default route leaves by eth0 through 10.0.1.1.";
        assert!(seen.contains(reason), "{seen}");
        let all = lines(&ran.check("metadata")["findings"][0]);
        assert!(all.contains(&"Find-NetRoute -RemoteIPAddress 169.254.169.254".to_owned()), "{all:?}");
        assert!(all.iter().all(|line| !line.starts_with("ip ") && !line.starts_with("sudo ")), "{all:?}");
        // A failover cluster's card takes it for a neighbour.
        place::run("ip", &["route", "del", "169.254.169.254/32"]);
        place::run("ip", &["route", "add", "169.254.0.0/16", "dev", "eth1"]);
        let ran = self.examine(None, &[]);
        let found = &ran.check("metadata")["findings"][0];
        let reason = "the route 169.254.0.0/16 of eth1 takes 169.254.169.254 for a neighbour there, while the default route leaves \
                      by eth0.";
        assert!(found["seen"].as_str().unwrap().contains(reason), "{}", found["seen"]);
        assert!(
            lines(found).contains(&"route add 169.254.169.254/32 10.0.1.4 metric 1 -p".to_owned()),
            "{:?}",
            lines(found)
        );
        // No way at all.
        place::run("ip", &["route", "del", "169.254.0.0/16"]);
        place::run("ip", &["route", "del", "default"]);
        let ran = self.examine(None, &[]);
        let seen = ran.check("metadata")["findings"][0]["seen"].as_str().unwrap();
        assert!(
            seen.contains("This explains it: no route leads to 169.254.169.254; eth0 is up with 10.0.1.4/24"),
            "{seen}"
        );
    }
}

/// The metadata service's address and port in `/proc/net/tcp`, of a connection that waits for its first answer.
const METADATA_IN_SYN: &str = " FEA9FEA9:0050 02 ";

fn asks(connection: &str) -> bool {
    fs::read_to_string("/proc/net/tcp").is_ok_and(|table| table.contains(connection))
}

/// The commands of a finding.
fn lines(finding: &Value) -> Vec<String> {
    let commands = finding["remedy"]["commands"].as_array().unwrap();
    commands.iter().map(|command| command["line"].as_str().unwrap().to_owned()).collect()
}

/// Exit code, root cause, and every check with its status and codes.
fn gist(report: &Value) -> Value {
    let rows = report["checks"].as_array().unwrap().iter().map(|check| {
        let codes = check["findings"].as_array().unwrap().iter().map(|finding| finding["code"].clone());
        json!([check["id"], check["subject"], check["status"], check["blocked_by"], codes.collect::<Vec<_>>()])
    });
    json!([report["exit_code"], report["verdict"], report["root_cause"], report["vm"], rows.collect::<Vec<_>>()])
}

/// Bytes as a file of `reg` has them.
fn hex(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("hex:{}", bytes.join(","))
}

/// The firmware's tables of a VM, with what Windows puts before them.
fn tables(tag: &str) -> Vec<u8> {
    let system = [&[1, 8, 0, 0, 1, 2, 0, 0][..], b"Microsoft Corporation\0Virtual Machine\0\0"].concat();
    let chassis = [&[3, 9, 1, 0, 1, 3, 0, 0, 2][..], b"Microsoft Corporation\0", tag.as_bytes(), b"\0\0"].concat();
    let tables = [system, chassis, vec![127, 4, 2, 0, 0, 0]].concat();
    let length = u32::try_from(tables.len()).unwrap().to_le_bytes();
    [&[0, 3, 1, 0][..], &length, &tables].concat()
}

/// As `netsh winhttp set proxy` writes it.
fn win_http(proxies: &str, bypass: &str) -> Vec<u8> {
    let mut bytes = [0x28_u32, 0, 3].map(u32::to_le_bytes).concat();
    for text in [proxies, bypass] {
        bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}
