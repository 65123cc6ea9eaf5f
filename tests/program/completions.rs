//! Completions in the real shells: Bash with and without the package bash-completion, Zsh, Fish. What can come next is what the
//! program's own catalogues say. Without a shell the tests say so; where CI is set they fail. PowerShell's script is read by its
//! grammar in the deploy suite.

#![cfg(all(feature = "simulator", feature = "archives"))]
#![cfg(unix)]

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::{ArgAction, CommandFactory};
use midoctor::azure::cloud::ALIASES;
use midoctor::cli::Cli;
use midoctor::completion::{self, Candidate, Kind, Machine};
use midoctor::{checks, options, page, render, scenarios};

use crate::common::{midoctor, ran, run};
use crate::tools::{is_there, without};
use crate::typing::Shell;

/// A folder to type in: with some files, and the program on the path.
struct Desk {
    folder: tempfile::TempDir,
    programs: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let (folder, programs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for file in ["report.json", "a report.json", "b:c.json", "midoctor.toml"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("reports")).unwrap();
        for place in [&folder, &programs] {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_midoctor"), place.path().join("midoctor")).unwrap();
        }
        Self { folder, programs }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn search_path(&self) -> String {
        format!("{}:/usr/bin:/bin", self.programs.path().display())
    }

    /// A file in the folder of the programs, out of the way of what is typed.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.programs.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn script(shell: &str) -> String {
    let ran = run(&["generate", "completions", shell]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    ran.stdout
}

/// What can come next at the end of these words, on a machine with one service.
fn next(words: &[&str], current: &str) -> Vec<Candidate> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let machine = Machine { services: || vec!["web.service".into()] };
    completion::candidates(&words, OsStr::new(current), machine).unwrap()
}

fn values(candidates: &[Candidate]) -> Vec<&str> {
    candidates.iter().map(|candidate| candidate.value.as_str()).collect()
}

/// Flags whose value is anybody's own.
const FREE: [&str; 11] = [
    "arm-endpoint",
    "deadline",
    "delay",
    "listen",
    "listen-arm",
    "pid",
    "probe",
    "timeout",
    "trust-host",
    "vm",
    "wait",
];

/// Goes through all commands: every flag that takes a value has candidates or is free.
fn flags_of(command: &clap::Command, path: &mut Vec<String>, free: &mut std::collections::BTreeSet<String>) {
    for flag in command.get_arguments().filter(|flag| matches!(flag.get_action(), ArgAction::Set | ArgAction::Append)) {
        let Some(long) = flag.get_long() else { continue };
        let typed = format!("--{long}");
        let words: Vec<&str> = path.iter().map(String::as_str).chain([typed.as_str()]).collect();
        let found = next(&words, "");
        if found.is_empty() {
            free.insert(long.to_owned());
        }
        // The value behind an equals sign is the same.
        let behind = next(&words[..words.len() - 1], &format!("{typed}="));
        let expected: Vec<String> = values(&found).iter().map(|value| format!("{typed}={value}")).collect();
        assert_eq!(values(&behind), expected, "{words:?}");
    }
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        path.push(inner.get_name().to_owned());
        flags_of(inner, path, free);
        path.pop();
    }
}

#[test]
fn every_flag_has_candidates_or_is_free_text() {
    let mut free = std::collections::BTreeSet::new();
    flags_of(&Cli::command(), &mut Vec::new(), &mut free);
    assert_eq!(free.iter().map(String::as_str).collect::<Vec<_>>(), FREE);
}

#[test]
fn every_flag_and_command_that_is_shown_is_a_candidate() {
    fn check(command: &clap::Command, path: &mut Vec<String>) {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let flags = next(&words, "--");
        for long in command.get_arguments().filter_map(|flag| flag.get_long()) {
            assert!(values(&flags).contains(&format!("--{long}").as_str()), "{path:?} --{long}");
        }
        assert!(flags.iter().all(|flag| flag.kind == Kind::Word && !flag.help.is_empty()), "{path:?}");
        let inner: Vec<&clap::Command> = command.get_subcommands().collect();
        if !inner.is_empty() && path.first().is_none_or(|first| first != "report") {
            let shown = inner.iter().filter(|inner| !inner.is_hide_set()).map(|inner| inner.get_name());
            assert_eq!(values(&next(&words, "")), shown.collect::<Vec<_>>(), "{path:?}");
        }
        for inner in inner {
            path.push(inner.get_name().to_owned());
            check(inner, path);
            path.pop();
        }
    }
    check(&Cli::command(), &mut Vec::new());
}

#[test]
fn what_cannot_come_next_is_no_candidate() {
    // A command does not follow flags; flags are not in the way of words; where there is nothing else, they are shown.
    assert_eq!(values(&next(&["-q"], "ex")), [""; 0]);
    assert!(next(&["explain"], "").iter().all(|one| !one.value.starts_with('-')));
    assert!(next(&["check"], "").iter().all(|one| one.value.starts_with("--")));
    assert!(next(&["check"], "-").iter().all(|one| one.value.starts_with("--")));
    // Services are asked of the machine, and files are left to the shell.
    assert_eq!(values(&next(&["--unit"], "w")), ["web.service"]);
    let file = |prefix: &str| Candidate { kind: Kind::File, value: prefix.into(), help: String::new() };
    assert_eq!(next(&["report", "show"], "re"), [file("")]);
    assert_eq!(next(&["-o"], "json=re"), [file("json=")]);
    assert_eq!(next(&["-o"], "jsn=re"), []);
    assert_eq!(next(&["fleet", "one", "two"], "th"), [file("")]);
    assert_eq!(next(&["generate", "man", "--dir"], "")[0].kind, Kind::Directory);
}

#[test]
fn what_is_no_text_is_no_reason_to_complain() {
    let odd: &OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"\xff\x1b[2J");
    let mut current = OsString::from("--current=");
    current.push(odd);
    let asked = ran(midoctor(&["generate", "candidates"]).arg(current).arg("--").arg(odd).arg("--only"));
    assert_eq!((asked.code, asked.stdout.as_str(), asked.stderr.as_str()), (Some(0), "", ""));
}

/// Lines that are typed, with all candidates that there are then, from the catalogues.
fn lists() -> Vec<(&'static str, Vec<String>)> {
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let explained = checks::all().flat_map(|check| {
        std::iter::once(check.id).chain(page::of(check).sections.iter().map(|section| section.code.as_str()))
    });
    let played: Vec<&str> = scenarios::all().into_iter().map(|scenario| scenario.name).collect();
    let formats = render::FORMATS.map(|(name, _)| name).to_vec();
    vec![
        ("midoctor ", owned(vec!["check", "explain", "report", "fleet", "demo", "simulate", "generate"])),
        ("midoctor report --redact ", owned(vec!["none", "secrets", "ids"])),
        ("midoctor explain ", owned(explained.collect())),
        ("midoctor demo ", owned(played.clone())),
        ("midoctor simulate --verbose ", owned(played)),
        ("midoctor --only ", owned(options::selectable())),
        ("midoctor check -q --skip ", owned(options::selectable())),
        ("midoctor check --resource ", owned(ALIASES.map(|(name, _)| name).to_vec())),
        ("midoctor --color ", owned(vec!["auto", "always", "never"])),
        ("midoctor check --fail-on ", owned(vec!["warn", "error"])),
        ("midoctor generate ", owned(vec!["completions", "man", "schema"])),
        ("midoctor generate completions ", owned(vec!["bash", "zsh", "fish", "powershell"])),
        ("midoctor demo healthy -o ", owned(formats.clone())),
        ("midoctor report show report.json --output ", owned(formats)),
        ("midoctor explain -o ", owned(render_names(&midoctor::outputs::PLAIN))),
        ("midoctor report diff -o ", owned(render_names(&render::diff::FORMATS))),
        ("midoctor fleet -o ", owned(render_names(&render::fleet::FORMATS))),
        // What has no list is left alone.
        ("midoctor --wait ", vec![]),
        ("midoctor --pid ", vec![]),
        ("midoctor explain no-such", vec![]),
    ]
}

fn render_names<F>(formats: &[(&'static str, F)]) -> Vec<&'static str> {
    formats.iter().map(|(name, _)| *name).collect()
}

/// Lines that are typed, and what stands there after TAB, in every shell.
const LINES: [(&str, &str); 21] = [
    ("midoctor ex", "midoctor explain "),
    ("midoctor report sh", "midoctor report show "),
    ("midoctor --dead", "midoctor --deadline "),
    ("midoctor explain role-mis", "midoctor explain role-missing "),
    ("midoctor check --only imds-den", "midoctor check --only imds-denied "),
    ("midoctor --color=al", "midoctor --color=always "),
    ("midoctor --skip=clock-", "midoctor --skip=clock-skewed "),
    ("midoctor -o html=rep -o js", "midoctor -o html=rep -o json"),
    ("midoctor demo healthy -o json=report.", "midoctor demo healthy -o json=report.json "),
    ("midoctor demo healthy --output=json=report.", "midoctor demo healthy --output=json=report.json "),
    ("midoctor report show a", "midoctor report show a\\ report.json "),
    ("midoctor report show a\\ re", "midoctor report show a\\ report.json "),
    // Bash cuts words at a colon.
    ("midoctor check --from=b:", "midoctor check --from=b:c.json "),
    ("midoctor demo healthy -o json=b:", "midoctor demo healthy -o json=b:c.json "),
    ("midoctor --config=midoctor.t", "midoctor --config=midoctor.toml "),
    ("midoctor report show --qu", "midoctor report show --quiet "),
    ("midoctor generate man --dir rep", "midoctor generate man --dir reports/"),
    // As it is called, behind another command, and as part of one.
    ("./midoctor ex", "./midoctor explain "),
    ("true; midoctor ex", "true; midoctor explain "),
    ("echo | midoctor ex", "echo | midoctor explain "),
    // What cannot be completed stays.
    ("midoctor --resource https://v", "midoctor --resource https://v"),
];

/// What a shell would run if it evaluated what is typed.
const TRAPS: [&str; 5] = [
    "midoctor explain $(touch trapped)",
    "midoctor explain `touch trapped` r",
    "midoctor -o 'json=$(touch trapped)",
    "midoctor report show \"$(touch trapped)",
    "midoctor --only \\$(touch\\ trapped)",
];

fn holds(shell: &mut Shell, folder: &Path, name: &str) {
    for (typed, expected) in lists() {
        assert_eq!(shell.complete(typed).candidates, expected, "{name}: {typed}");
    }
    for (typed, expected) in LINES {
        assert_eq!(shell.complete(typed).line, expected, "{name}: {typed}");
    }
    for typed in TRAPS {
        shell.complete(typed);
        assert!(!folder.join("trapped").exists(), "{name} evaluates {typed}");
    }
}

/// Prepares Bash: the line is told on Ctrl-G, the candidates are told by what stands around the function.
const BASH: &str = r#"
PS1='$ '
bind 'set enable-bracketed-paste off'
bind 'set bell-style none'
told() { printf '%s\n' "$READLINE_LINE" >"$LINE"; READLINE_LINE=; READLINE_POINT=0; }
bind -x '"\C-g": told'
watched() {
    _midoctor "$@"
    local status=$?
    ((${#COMPREPLY[@]})) && printf '%s\n' "${COMPREPLY[@]}" >"$CANDIDATES"
    return "$status"
}
"#;

fn bash(desk: &Desk, prepare: &str) -> Shell {
    let start = format!("{BASH}{prepare}\ncomplete -o nosort -F watched midoctor\necho >\"$PREPARED\"\n");
    let start = desk.write("start", &start);
    let home = desk.programs.path().to_str().unwrap();
    let arguments = ["--noprofile", "--rcfile", start.to_str().unwrap(), "-i"];
    Shell::start("bash", &arguments, desk.path(), &[("PATH", &desk.search_path()), ("XDG_DATA_HOME", home)])
}

#[test]
fn bash_completes_by_what_was_sourced() {
    if !is_there("bash") {
        return without("bash is not installed");
    }
    let desk = Desk::new();
    holds(&mut bash(&desk, "source <(midoctor generate completions bash)"), desk.path(), "bash");
}

#[test]
fn bash_completes_by_what_the_package_bash_completion_finds() {
    let package = "/usr/share/bash-completion/bash_completion";
    if !is_there("bash") || !Path::new(package).exists() {
        return without("bash-completion is not installed");
    }
    let desk = Desk::new();
    desk.write("bash-completion/completions/midoctor", &script("bash"));
    // It is found as at the first TAB.
    let prepare = format!("source {package}\n_completion_loader midoctor");
    holds(&mut bash(&desk, &prepare), desk.path(), "bash with bash-completion");
}

/// Prepares Zsh: the line is told on Ctrl-G, the candidates are told by what stands around `compadd`, which all of them go through;
/// with -O, -A and -D it only reckons.
const ZSH: &str = r#"
PS1='$ '
unsetopt prompt_sp beep zle_bracketed_paste
setopt no_list_beep
LISTMAX=1000000
zstyle ':completion:*' list-prompt ''
told() { print -r -- "$BUFFER" >"$LINE"; BUFFER=; zle -R }
zle -N told
bindkey -e
bindkey '^G' told
# Of its own, TAB in Zsh runs what stands in $( ) to expand it.
bindkey '^I' complete-word
compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
        builtin compadd "$@"
        return
    fi
    local -a matched
    builtin compadd -A matched "$@"
    (($#matched)) && print -rl -- "${matched[@]}" >>"$CANDIDATES"
    builtin compadd "$@"
}
"#;

fn zsh(desk: &Desk, prepare: &str) -> Shell {
    desk.write(".zshrc", &format!("{ZSH}{prepare}\nprint >\"$PREPARED\"\n"));
    let home = desk.programs.path().to_str().unwrap();
    Shell::start("zsh", &["-i"], desk.path(), &[("PATH", &desk.search_path()), ("ZDOTDIR", home), ("HOME", home)])
}

#[test]
fn zsh_completes_by_what_was_sourced() {
    if !is_there("zsh") {
        return without("zsh is not installed");
    }
    let desk = Desk::new();
    let prepare = "autoload -Uz compinit\ncompinit -u -D\nsource <(midoctor generate completions zsh)";
    holds(&mut zsh(&desk, prepare), desk.path(), "zsh");
}

#[test]
fn zsh_completes_by_what_is_on_its_fpath() {
    if !is_there("zsh") {
        return without("zsh is not installed");
    }
    let desk = Desk::new();
    let file = desk.write("site-functions/_midoctor", &script("zsh"));
    let prepare = format!("fpath=({} $fpath)\nautoload -Uz compinit\ncompinit -u -D", file.parent().unwrap().display());
    holds(&mut zsh(&desk, &prepare), desk.path(), "zsh by its fpath");
}

/// What Fish would offer, in the order in which it would, without the words about it.
fn fish(desk: &Desk, line: &str) -> Vec<String> {
    let mut fish = Command::new("fish");
    let home = desk.programs.path();
    fish.args([
        "--no-config",
        "--command",
        "midoctor generate completions fish | source; complete --do-complete $argv[1]",
        line,
    ]);
    fish.env_clear()
        .envs([("LANG", "C.UTF-8"), ("PATH", &desk.search_path())])
        .env("HOME", home)
        .current_dir(desk.path());
    let output = fish.stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[test]
fn fish_completes() {
    if !is_there("fish") {
        return without("fish is not installed");
    }
    let desk = Desk::new();
    for (typed, mut expected) in lists() {
        // What can go on with a file is a word of its own.
        if typed.ends_with("-o ") || typed.ends_with("--output ") {
            expected = expected.into_iter().flat_map(|name| [name.clone(), format!("{name}=")]).collect();
        }
        assert_eq!(fish(&desk, typed), expected, "{typed}");
    }
    for (typed, expected) in LINES {
        let stays = typed == expected;
        let word = |line: &str| line.trim_end().replace("\\ ", "\0").rsplit(' ').next().unwrap().replace('\0', " ");
        let expected = if stays { vec![] } else { vec![word(expected)] };
        let found = fish(&desk, typed);
        let expected = if expected == ["json"] { vec!["json".to_owned(), "json=".into()] } else { expected };
        assert_eq!(found, expected, "{typed}");
    }
    for typed in TRAPS {
        fish(&desk, typed);
        assert!(!desk.path().join("trapped").exists(), "{typed}");
    }
}
