//! Certificates and chains with faults of their own, which have nothing to do with who is trusted: no alternative name, its own
//! signature, an issuer that is missing or out of date.

use midoctor::evidence::{ChainFault, Dated};

use super::*;

#[test]
fn a_certificate_without_alternative_names_is_told_so_whatever_its_common_name() {
    let nameless = |common: &'static str, whose: TrustedBy| {
        changed("other-name", move |shown, _| {
            (shown.names, shown.without_names) = (Vec::new(), true);
            (shown.subject, shown.trusted_by) = (format!("CN={common}"), Some(whose));
        })
    };
    let words = "it has no subject alternative name, which clients require";
    let anew = "Whoever runs the server or the gateway that answered has to make its certificate anew, with management.azure.com as ";
    let report = nameless("management.azure.com", TrustedBy::Both);
    let found = assert_error(&report, "arm");
    assert!(found.seen.ends_with(&format!("issued by {AZURE}: {words}.")), "{}", found.seen);
    steps(found, &[anew]);
    let report = nameless("gateway.contoso.com", TrustedBy::Both);
    let found = assert_error(&report, "arm");
    assert!(found.seen.ends_with(&format!("{words}, and its common name is gateway.contoso.com.")), "{}", found.seen);
    steps(found, &[anew, "The certificate is made out to gateway.contoso.com. See where "]);
    let report = nameless("management.azure.com", TrustedBy::Nobody);
    let found = assert_error(&report, "arm");
    assert!(found.seen.ends_with(&format!("trusts the authority that issued it; {words}.")), "{}", found.seen);
    steps(found, &["Ask who runs ", "If inspection has to stay, ", anew]);
}

#[test]
fn a_certificate_that_signed_itself_names_no_gateway() {
    let own = |shown: &mut Certificate, _: &mut String| {
        shown.issuer.clone_from(&shown.subject);
        shown.chain.clear();
    };
    let report = changed("stranger", own);
    let found = assert_error(&report, "arm");
    let words =
        "issued by CN=management.azure.com: it signed itself, and is neither on this machine's list nor on Mozilla's.";
    assert!(found.seen.ends_with(words), "{}", found.seen);
    steps(
        found,
        &["The certificate of management.azure.com signed itself, so whoever answered may be anybody. See where "],
    );
    let report = changed("inspected", own);
    assert_eq!(ending(&report, "arm"), (Status::Warn, "tls-intercepted"));
    steps(finding(&report, "arm"), &["For Azure CLI and Python (requests), ", "For Node.js, "]);
    let none = "this machine has no root certificates: no such file";
    let report = changed("stranger", |shown, detail| {
        own(shown, detail);
        *detail = none.into();
    });
    let found = assert_error(&report, "arm");
    assert!(
        found.seen.ends_with(&format!("{none}; it signed itself, and is not on Mozilla's list.")),
        "{}",
        found.seen
    );
    steps(
        found,
        &["The certificate of management.azure.com signed itself, ", "This machine has no root certificates: "],
    );
}

/// A stranger's certificate whose chain has this fault and is refused in these words.
fn faulty(fault: Option<ChainFault>, words: &str) -> Report {
    changed("stranger", |shown, detail| {
        shown.chain_fault = fault;
        *detail = format!("invalid peer certificate: {words}");
    })
}

#[test]
fn what_keeps_a_chain_from_being_followed_is_not_taken_for_an_authority_nobody_trusts() {
    for (fault, detail, words, step) in [
        (
            ChainFault::Signature,
            "BadSignature",
            "a signature in its chain is not by the key of the authority that it names",
            "If Contoso Root CA is your organisation's, it may have been made anew under its old name: ",
        ),
        (
            ChainFault::TooLong,
            "MaximumPathDepthExceeded",
            "its chain of authorities is longer than midoctor follows, so whom it leads to is not known",
            "The chain of authorities is longer than midoctor follows: whoever runs the server ",
        ),
        (
            ChainFault::Unusable,
            "CaUsedAsEndEntity",
            "it is the certificate of an authority and not of a server",
            "Whoever runs the server or the gateway that answered has to make its certificates anew: it is the certificate of ",
        ),
    ] {
        let report = faulty(Some(fault), detail);
        let found = assert_error(&report, "arm");
        assert!(found.seen.ends_with(&format!("issued by {GATEWAY}: {words}.")), "{}", found.seen);
        steps(found, &[step]);
    }
}

#[test]
fn an_issuer_that_was_not_sent_is_not_said_to_be_a_gateways_root() {
    let report = changed("stranger", |shown, _| shown.chain.clear());
    let found = assert_error(&report, "arm");
    let words = "issued by CN=Contoso Web Gateway CA: the server did not send the certificate of its issuer, or neither this machine nor \
                 Mozilla's list trusts it.";
    assert!(found.seen.ends_with(words), "{}", found.seen);
    let above = "If inspection has to stay, get the certificate of the root above Contoso Web Gateway CA ";
    steps(found, &["The certificate of Contoso Web Gateway CA was not sent along. ", above]);
    let report = changed("stranger", |shown, _| shown.chain_cut = true);
    let above = "If inspection has to stay, get the certificate of the root above Contoso Root CA ";
    steps(assert_error(&report, "arm"), &["Ask who runs Contoso Web Gateway CA ", above]);
}

#[test]
fn an_issuer_that_is_out_of_date_is_told_with_its_dates_and_never_in_seconds() {
    let raw = "certificate expired: verification time 1795385703 (UNIX), but certificate is not valid after 1700000000 (95385703 \
               seconds ago)";
    let dated = |from: &str, until: &str| Dated {
        subject: "CN=Contoso Web Gateway CA".into(),
        not_before: format!("{from}-01-01T00:00:00Z"),
        not_after: format!("{until}-01-01T00:00:00Z"),
    };
    let clock = "this machine's clock shows 2026-09-01T10:11:12Z.";
    let step = "The certificate of Contoso Web Gateway CA is not valid at 2026-09-01T10:11:12Z, which this machine's clock shows. ";
    for (whose, fault) in [(TrustedBy::Both, None), (TrustedBy::Nobody, Some(ChainFault::OutOfDate))] {
        for (issuer, words) in [
            (dated("2020", "2024"), "expired at 2024-01-01T00:00:00Z"),
            (dated("2027", "2030"), "is not valid before 2027-01-01T00:00:00Z"),
        ] {
            let change = |shown: &mut Certificate, detail: &mut String| {
                (shown.trusted_by, shown.chain_fault) = (Some(whose), fault);
                shown.issuer_out_of_date = Some(issuer.clone());
                *detail = format!("invalid peer certificate: {raw}");
            };
            let report = changed("stranger", change);
            let found = assert_error(&report, "arm");
            let whole = format!(
                "issued by {GATEWAY}: the certificate of its issuer Contoso Web Gateway CA {words}, and {clock}"
            );
            assert!(found.seen.ends_with(&whole), "{}", found.seen);
            steps(found, &[step]);
        }
    }
    // Reports from before do not say which certificate it is.
    let report = changed("stranger", |shown, detail| {
        shown.trusted_by = Some(TrustedBy::Both);
        *detail = format!("invalid peer certificate: {raw}");
    });
    let found = assert_error(&report, "arm");
    assert!(found.seen.ends_with(&format!("{GATEWAY}: certificate expired.")), "{}", found.seen);
}

#[test]
fn with_a_wrong_clock_an_issuer_out_of_date_is_the_clocks_matter() {
    let mut evidence = evidence("arm_certificate = \"trusted\"\nclock_offset_seconds = 63072000", &[]);
    for attempt in evidence.exchanges.iter_mut().flat_map(|exchange| &mut exchange.attempts) {
        if let Outcome::Failed(failed) = &mut attempt.outcome
            && let Some(shown) = &mut failed.certificate
        {
            shown.not_after = "2090-01-01T00:00:00Z".into();
            let (subject, not_before) = (shown.issuer.clone(), "2020-01-01T00:00:00Z".into());
            shown.issuer_out_of_date = Some(Dated { subject, not_before, not_after: "2026-01-01T00:00:00Z".into() });
        }
    }
    assert_eq!(ending(&judged(evidence), "arm").0, Status::Blocked);
}

#[test]
fn a_certificate_of_an_authority_that_signed_itself_may_be_on_a_list_all_the_same() {
    let report = changed("stranger", |shown, detail| {
        shown.issuer.clone_from(&shown.subject);
        shown.chain.clear();
        shown.chain_fault = Some(ChainFault::Unusable);
        *detail = "invalid peer certificate: CaUsedAsEndEntity".into();
    });
    let found = assert_error(&report, "arm");
    let words = ": it signed itself, and it is the certificate of an authority and not of a server.";
    assert!(found.seen.ends_with(words), "{}", found.seen);
    steps(found, &["The certificate of management.azure.com signed itself, "]);
}
