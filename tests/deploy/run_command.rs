//! Azure Run Command's scripts: what its last 4,096 bytes keep of each scenario, how they end, and the fan-out over many VMs
//! with a stand-in for Azure CLI that answers as the service does. Azure CLI itself is asked whether it has the flags.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::namespace::simulator::PROGRAM;
use crate::namespace::{Case, Suite};
use crate::recipe::{SHARED, actor, bare, clean_shell, done, installed, offer, path, said, scenarios, text, vm};
use crate::{from_venv, of_machine};

/// What Run Command keeps of a script's output: the last bytes (Microsoft's page on Run Command, Restrictions).
const KEPT: usize = 4_096;
const LINUX: &str = "run-command/linux.sh";
const FLEET: &str = "run-command/fleet.sh";

pub fn add(suite: &mut Suite) {
    let shell = [from_venv("shellcheck"), of_machine("dash")];
    offer(suite, &shell, Case::new("Run Command's shell scripts are clean", clean));
    let powershell = [powershell_grammar()];
    offer(suite, &powershell, Case::new("Run Command's PowerShell script can be parsed", parsed));
    let dash = [of_machine("dash")];
    offer(suite, &dash, Case::new("the verdict of every scenario survives Run Command's last 4,096 bytes", survives));
    offer(suite, &dash, Case::new("Run Command on a VM, with a configuration and its own exit codes", ends));
    offer(suite, &dash, Case::new("Run Command on a VM that gives no verdict", silent));
    offer(suite, &dash, Case::new("Run Command over a fleet collects each verdict, and who is silent", collected));
    offer(suite, &[azure_cli()], Case::new("Azure CLI has the commands and flags of the fan-out", has_flags));
}

fn clean() {
    clean_shell("sh", &text(LINUX));
    clean_shell("sh", &text(FLEET));
}

pub fn powershell_grammar() -> Result<PathBuf, String> {
    let python = from_venv("python")?;
    let found = Command::new(&python).args(["-c", "import tree_sitter, tree_sitter_powershell"]).output();
    let found = found.is_ok_and(|output| output.status.success());
    if found { Ok(python) } else { Err("tree-sitter-powershell is not in the Python environment".into()) }
}

/// Has this script no error in its syntax? A grammar is no PowerShell, and finds no other slips.
pub fn parses(script: &str) -> bool {
    let program = "import sys, tree_sitter as t, tree_sitter_powershell as p\n\
                   tree = t.Parser(t.Language(p.language())).parse(open(sys.argv[1], 'rb').read())\n\
                   sys.exit(1 if tree.root_node.has_error else 0)";
    let file = std::env::temp_dir().join("script.ps1");
    fs::write(&file, script).unwrap();
    Command::new(from_venv("python").unwrap()).args(["-c", program]).arg(file).status().unwrap().success()
}

fn parsed() {
    let script = text("run-command/windows.ps1");
    assert!(parses(&script), "the script has an error in its syntax");
    assert!(!parses(&script.replacen('}', "", 1)), "the grammar tells");
}

/// The script as Run Command runs it on Debian: by its first line, with its parameters.
fn script(parameters: &[&str]) -> Command {
    let mut command = Command::new("dash");
    command.arg(path(LINUX)).args(parameters).env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    command
}

/// The verdict in what Run Command keeps.
fn kept(output: &Output) -> Value {
    assert!(output.stderr.is_empty(), "standard error counts as output: {}", said(output));
    let tail = &output.stdout[output.stdout.len().saturating_sub(KEPT)..];
    let tail = String::from_utf8_lossy(tail);
    let line = tail.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

fn survives() {
    let program = actor(&std::env::temp_dir());
    let mut cut = 0;
    for scenario in scenarios() {
        let output = script(&[program.to_str().unwrap()]).env("SCENARIO", scenario).output().unwrap();
        let line = kept(&output);
        let demo = Command::new(PROGRAM).args(["demo", scenario, "-o", "json"]).env_clear().output().unwrap();
        let report: Value = serde_json::from_slice(&demo.stdout).unwrap();
        for field in ["verdict", "exit_code", "root_cause"] {
            assert_eq!(line[field], report[field], "{scenario}");
        }
        assert_eq!(output.status.code(), Some(0), "{scenario}: there is a verdict");
        cut += usize::from(output.stdout.len() > KEPT);
    }
    assert!(cut > 10, "the limit is met");
}

fn ends() {
    installed();
    let config = Path::new(SHARED).join("midoctor.toml");
    fs::write(&config, "skip = [\"role-*\"]\n").unwrap();
    let parameters = ["/usr/local/bin/midoctor", config.to_str().unwrap(), "verdict"];
    for (scenario, code) in [("healthy", 0), ("identity-none", 1)] {
        let (_vm, authority) = vm(scenario);
        let output = bare("dash", &authority).arg(path(LINUX)).args(parameters).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert_eq!(kept(&output)["exit_code"], code);
        let named = bare("dash", &authority).arg(path(LINUX)).env("MIDOCTOR_EXIT", "verdict").output().unwrap();
        assert_eq!(named.status.code(), Some(code), "a managed run command names parameters: {}", said(&named));
    }
}

fn silent() {
    let program = actor(&std::env::temp_dir());
    let nothing = script(&["/opt/nothing/midoctor"]).output().unwrap();
    assert_eq!(nothing.status.code(), Some(2));
    assert!(
        said(&nothing).starts_with("midoctor: /opt/nothing/midoctor is no program on this VM; "),
        "{}",
        said(&nothing)
    );
    let wrong = script(&[program.to_str().unwrap(), "", "perhaps"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
    let refused = script(&[program.to_str().unwrap()]).env("SCENARIO", "no-such-scenario").output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).starts_with("midoctor: no verdict (exit code 2): midoctor: "), "{}", said(&refused));
    assert!(refused.stderr.is_empty() && said(&refused).matches('\n').count() == 1, "{}", said(&refused));
}

/// Azure CLI as far as Run Command goes: the VM's state is its name, and the message is worded as the service words it.
pub const AZ: &str = r#"#!/bin/sh
set -u
kind=$1; shift
[ "$1 $2" = "run-command invoke" ] || exit 64; shift 2
parameters=
while [ $# -gt 0 ]; do
  case $1 in
    --ids) id=$2; shift 2 ;;
    --command-id) [ "$2" = RunShellScript ] || exit 64; shift 2 ;;
    --scripts) script=${2#@}; shift 2 ;;
    --parameters) parameters=$2; shift 2 ;;
    --query) [ "$2" = "value[0].message" ] || exit 64; shift 2 ;;
    --output) [ "$2" = tsv ] || exit 64; shift 2 ;;
    --only-show-errors) shift ;;
    *) echo "az: $1?" >&2; exit 64 ;;
  esac
done
case $kind/$id in
  vmss/*/virtualMachineScaleSets/*/virtualMachines/*) SCENARIO=healthy ;;
  vm/*/virtualMachines/*) SCENARIO=${id##*/} ;;
  *) exit 64 ;;
esac
export SCENARIO
case $SCENARIO in
  off) echo "ERROR: (OperationNotAllowed) The VM is not running." >&2; exit 1 ;;
  hangs) sleep 60 ;;
  bare) parameters=/opt/nothing/midoctor ;;
esac
printf 'Enable succeeded: \n[stdout]\n'
dash "$script" "$parameters" | tail -c 4096
printf '\n[stderr]\n'
"#;

fn stand_in(folder: &Path) -> String {
    let az = folder.join("az");
    fs::write(&az, AZ).unwrap();
    fs::set_permissions(&az, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:/usr/bin:/bin", folder.display())
}

fn collected() {
    let folder = std::env::temp_dir();
    let program = actor(&folder);
    let search = stand_in(&folder);
    let group = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute";
    let collect = |names: &[&str]| {
        // As an Azure CLI of Windows ends lines, the last one without its end.
        let ids = names.iter().map(|name| format!("{group}/{name}")).collect::<Vec<_>>().join("\r\n");
        let (list, out) = (folder.join("ids"), folder.join("out"));
        fs::write(&list, ids).unwrap();
        let mut fleet = Command::new("dash");
        fleet.arg(path(FLEET)).arg(&out).env_clear().env("PATH", &search).env("PROGRAM", &program).env("JOBS", "3");
        let output = fleet.stdin(fs::File::open(&list).unwrap()).output().unwrap();
        let lines = fs::read_to_string(out.join("compact.ndjson")).unwrap();
        let verdicts: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let silent = fs::read_to_string(out.join("silent.txt")).unwrap();
        (output.status.code(), said(&output), verdicts, silent)
    };
    let all = [
        "virtualMachines/healthy",
        "virtualMachineScaleSets/set/virtualMachines/3",
        "virtualMachines/role-missing",
        "virtualMachines/imds-slow",
        "virtualMachines/off",
        "virtualMachines/bare",
        "virtualMachines/identity-none",
    ];
    let (code, told, verdicts, silent) = collect(&all);
    assert_eq!(
        (code, told.as_str()),
        (Some(1), "7 VMs: 2 healthy, 1 degraded, 2 unhealthy, 0 undetermined, 2 silent\n")
    );
    let causes: Vec<Option<&str>> = verdicts.iter().map(|line| line["root_cause"].as_str()).collect();
    assert_eq!(causes, [None, None, Some("role-missing"), None, Some("identity-none")]);
    let silent: Vec<&str> = silent.lines().collect();
    assert_eq!(silent[0], format!("{group}/virtualMachines/off\tERROR: (OperationNotAllowed) The VM is not running."));
    assert!(silent[1].starts_with(&format!("{group}/virtualMachines/bare\tmidoctor: /opt/nothing")), "{}", silent[1]);
    assert_eq!(collect(&all[..2]).0, Some(0), "all healthy");
    assert_eq!(collect(&["virtualMachines/healthy", "virtualMachines/off"]).0, Some(3), "none unhealthy, one silent");
    let (code, told, ..) = collect(&[]);
    assert_eq!((code, told.as_str()), (Some(2), "fleet: no resource ID on standard input\n"));
    let bounded = |name: &str, value: &str, id: &str| {
        let list = folder.join("ids");
        fs::write(&list, format!("{group}/virtualMachines/{id}\n")).unwrap();
        let mut fleet = Command::new("dash");
        fleet.arg(path(FLEET)).arg(folder.join("out")).env_clear().env("PATH", &search).env(name, value);
        let output = fleet.stdin(fs::File::open(&list).unwrap()).output().unwrap();
        (output.status.code(), said(&output))
    };
    let refused = (Some(2), "fleet: JOBS is many, which is no number from 1\n".to_owned());
    assert_eq!(bounded("JOBS", "many", "off"), refused, "else all would be asked at once");
    assert_eq!(bounded("LIMIT", "1", "hangs").0, Some(3));
    let silent = fs::read_to_string(folder.join("out/silent.txt")).unwrap();
    assert_eq!(silent, format!("{group}/virtualMachines/hangs\tno answer within 1\n"));
}

fn azure_cli() -> Result<PathBuf, String> {
    let name = "MIDOCTOR_INTEROP_VENV";
    let venv = std::env::var_os(name).filter(|value| !value.is_empty()).ok_or(format!("{name} is not set"))?;
    let az = Path::new(&venv).join("bin/az");
    if az.exists() { Ok(az) } else { Err(format!("{name} names no folder with bin/az")) }
}

fn has_flags() {
    let flag = regex::Regex::new(r" (--[a-z-]+)").unwrap();
    let scripts = text(FLEET);
    let body = scripts.split("ask() {").nth(1).unwrap().split("\n}").next().unwrap();
    let used: Vec<&str> = flag.captures_iter(body).map(|found| found.get(1).unwrap().as_str()).collect();
    assert!(used.len() >= 6, "{used:?}");
    for kind in ["vm", "vmss"] {
        let mut az = Command::new(azure_cli().unwrap());
        az.args([kind, "run-command", "invoke", "--help"]).env("AZURE_CONFIG_DIR", std::env::temp_dir());
        let help = said(&done(az.env("AZURE_CORE_COLLECT_TELEMETRY", "no")));
        for flag in &used {
            assert!(help.contains(&format!("    {flag} ")), "az {kind} run-command invoke has no {flag}");
        }
    }
}
