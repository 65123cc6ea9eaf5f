//! What the manual says and no other place of the program has in words: variables, files, examples. A test holds each example
//! against the command line, and the variables against the source.

/// The page of midoctor itself.
pub const MAIN: &str = "midoctor";

/// When what stands here was changed last, as a page has to say.
pub const DATE: &str = "2026-11-29";

/// Variables that midoctor itself obeys, with what they do.
pub const ENVIRONMENT: [(&[&str], &str); 7] = [
    (&["NO_COLOR"], "When it is set and not empty, nothing is coloured unless --color says so."),
    (&["TERM"], "A terminal that is dumb or unknown, or does not say what it is, gets neither colour nor progress."),
    (&["COLUMNS"], "How many columns there are, where the terminal does not say so itself."),
    (
        &["LC_ALL", "LC_CTYPE", "LANG"],
        "The first that is set says which signs can be shown: without UTF-8 all text is ASCII.",
    ),
    (
        &["SSL_CERT_FILE", "SSL_CERT_DIR"],
        "The root certificates that are trusted instead of the platform's. With --pid or --unit those of that environment count.",
    ),
    (
        &["HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "all_proxy", "no_proxy"],
        "The way to Azure Resource Manager and to data endpoints, as clients go it. With --pid or --unit those of that environment \
         count. The metadata service is asked through none, but for what -v tries.",
    ),
    (
        &["GITHUB_STEP_SUMMARY"],
        "With the format github the report is added to this file as Markdown, which GitHub Actions shows.",
    ),
];

/// Introduces the variables that are read for the sake of clients.
pub const JUDGED: &str = "These are read as well and judged, since clients obey them; of those that hold secrets only whether they \
                          are set:";

/// Files that midoctor reads or writes by itself.
pub const FILES: [(&str, &str); 3] = [
    (
        "midoctor-VM-TIME.zip",
        "What midoctor report writes, into the current directory unless -f names another file; nothing that is there is \
         overwritten.",
    ),
    (
        "midoctor-VM-TIME.zip.map.json",
        "With --redact ids: which pseudonym stands for which name. It is for its owner alone (mode 0600) and not to be sent.",
    ),
    (
        "/etc/systemd/system, /run/systemd, /usr/lib/systemd/system",
        "Where --unit reads how a service is started. No configuration is read but the file that --config names.",
    ),
];

/// Command lines, with what they are for.
pub const EXAMPLES: [(&str, &str); 12] = [
    ("midoctor", "Examine this VM:"),
    ("midoctor -q", "Say nothing when it is healthy, else only what is not:"),
    ("midoctor -o text -o json=report.json", "Print the report, and write it to a file for programs as well:"),
    (
        "midoctor --resource vault --probe https://kv-web.vault.azure.net",
        "Get a token for Key Vault too, and see whether this vault can be read:",
    ),
    (
        "midoctor --require Microsoft.Compute/virtualMachines/start/action",
        "Demand that the identity may start this VM:",
    ),
    ("midoctor --unit web", "Judge the environment of the service web.service, not this shell's:"),
    (
        "midoctor --wait 10m -o line -o junit=midoctor.xml",
        "After provisioning: wait until it is healthy, as a smoke test:",
    ),
    ("midoctor --only metadata --only 'identity*'", "Examine some checks alone, with what they need:"),
    ("midoctor explain role-missing", "Read what a code means and how to fix it:"),
    ("midoctor explain --file app.log --and-check", "Name the cause of the errors in a log, and confirm it here:"),
    ("midoctor report --redact ids", "Write one archive for support, with pseudonyms for all names:"),
    ("midoctor fleet reports/ -o html=fleet.html", "Fold the reports of many VMs into one page:"),
];
