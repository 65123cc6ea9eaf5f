//! Every kind of chain before lists of this test's own: who is let in, and whose roots it is said to lead to.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

use super::*;

const HOST: &str = "management.azure.com";

type Authority = CertifiedIssuer<'static, KeyPair>;

fn params(name: &str, years: (i32, i32)) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
    params
}

fn authority_params(name: &str, years: (i32, i32)) -> CertificateParams {
    let mut params = params(name, years);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn authority(name: &str) -> Authority {
    CertifiedIssuer::self_signed(authority_params(name, (2020, 2040)), KeyPair::generate().expect("a key"))
        .expect("signed")
}

fn below(name: &str, years: (i32, i32), issuer: &Issuer<'static, KeyPair>) -> Authority {
    CertifiedIssuer::signed_by(authority_params(name, years), KeyPair::generate().expect("a key"), issuer)
        .expect("signed")
}

fn leaf(host: &str, years: (i32, i32), issuer: &Issuer<'static, KeyPair>) -> CertificateDer<'static> {
    let mut params = params(host, years);
    params.subject_alt_names = CertificateParams::new(vec![host.to_owned()]).expect("a name").subject_alt_names;
    params.signed_by(&KeyPair::generate().expect("a key"), issuer).expect("signed").der().clone()
}

fn store(authorities: &[&Authority]) -> RootCertStore {
    let mut store = RootCertStore::empty();
    for one in authorities {
        store.add(one.der().clone()).expect("a root");
    }
    store
}

/// In 2026, for [`HOST`]: who was let in, what was kept.
fn shown(platform: &[&Authority], mozilla: &[&Authority], chain: &[CertificateDer<'static>]) -> (bool, Certificate) {
    let trust = Trust::of(store(platform), store(mozilla), ": because");
    let (verifier, shown) = trust.verifier();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_788_000_000));
    let name = ServerName::try_from(HOST).expect("a name");
    let verified = verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], now);
    let certificate = shown.take().expect("it is kept");
    assert_eq!(verified.is_ok(), certificate.refused.is_none());
    (verified.is_ok(), certificate)
}

#[test]
fn a_chain_is_compared_with_both_lists_and_let_in_by_the_platforms_alone() {
    let (known, other) = (authority("Known"), authority("Other"));
    let chain = [leaf(HOST, (2026, 2027), &known)];
    for (platform, mozilla, admitted, whose) in [
        (&known, &known, true, TrustedBy::Both),
        (&known, &other, true, TrustedBy::Platform),
        (&other, &known, false, TrustedBy::Mozilla),
        (&other, &other, false, TrustedBy::Nobody),
    ] {
        let (ok, certificate) = shown(&[platform], &[mozilla], &chain);
        assert_eq!((ok, certificate.trusted_by), (admitted, Some(whose)));
        assert_eq!(certificate.chain, [""; 0], "the leaf alone was sent");
        let refused = certificate.refused.as_deref();
        assert_eq!(refused, (!admitted).then_some("invalid peer certificate: UnknownIssuer"));
    }
}

#[test]
fn a_certificate_without_alternative_names_is_known_as_such() {
    let known = authority("Known");
    let key = KeyPair::generate().expect("a key");
    let bare = params(HOST, (2026, 2027)).signed_by(&key, &known).expect("signed").der().clone();
    let (ok, certificate) = shown(&[&known], &[&known], &[bare]);
    assert_eq!((ok, certificate.trusted_by, certificate.without_names), (false, Some(TrustedBy::Both), true));
    for host in [HOST, "192.0.2.1"] {
        let (_, certificate) = shown(&[&known], &[&known], &[leaf(host, (2026, 2027), &known)]);
        assert!(!certificate.without_names, "{host}");
    }
}

#[test]
fn an_authority_of_the_same_name_with_another_key_is_another() {
    let (known, impostor) = (authority("Known"), authority("Known"));
    let (ok, certificate) = shown(&[&known], &[&known], &[leaf(HOST, (2026, 2027), &impostor)]);
    assert_eq!((ok, certificate.trusted_by), (false, Some(TrustedBy::Nobody)));
    assert_eq!(certificate.chain_fault, Some(ChainFault::Signature));
}

#[test]
fn name_and_dates_do_not_count_for_whose_chain_it_is_and_do_for_who_is_let_in() {
    let (known, other) = (authority("Known"), authority("Other"));
    for (host, years, words) in [
        ("gateway.contoso.com", (2026, 2027), "not valid for name"),
        (HOST, (2024, 2025), "certificate expired"),
        (HOST, (2027, 2028), "certificate not valid yet"),
        ("gateway.contoso.com", (2024, 2025), "certificate expired"),
    ] {
        let chain = [leaf(host, years, &known)];
        for (platform, mozilla, whose) in [
            (&known, &known, TrustedBy::Both),
            (&known, &other, TrustedBy::Platform),
            (&other, &known, TrustedBy::Mozilla),
            (&other, &other, TrustedBy::Nobody),
        ] {
            let (ok, certificate) = shown(&[platform], &[mozilla], &chain);
            assert_eq!((ok, certificate.trusted_by), (false, Some(whose)), "{host} {years:?}");
            let refused = certificate.refused.expect("refused");
            let known_here = std::ptr::eq(platform, &known);
            assert!(!known_here || refused.contains(words), "{host} {years:?}: {refused}");
        }
    }
}

#[test]
fn an_intermediate_of_a_short_life_does_not_hide_whose_chain_it_is() {
    let root = authority("Root");
    let old = below("Old", (2023, 2024), &root);
    // All that was sent was alive in 2023 only.
    let chain = [leaf(HOST, (2022, 2027), &old), old.der().clone()];
    let (ok, certificate) = shown(&[&root], &[&root], &chain);
    assert_eq!((ok, certificate.trusted_by, certificate.chain_fault), (false, Some(TrustedBy::Both), None));
    let dated = |from: &str, until: &str| {
        Some(Dated { subject: "CN=Old".into(), not_before: from.into(), not_after: until.into() })
    };
    assert_eq!(certificate.issuer_out_of_date, dated("2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"));
    let words = "invalid peer certificate: certificate expired at 2024-01-01T00:00:00Z";
    assert_eq!(certificate.refused.as_deref(), Some(words));
    let (_, certificate) = shown(&[], &[&root], &chain);
    assert_eq!((certificate.trusted_by, certificate.chain_fault), (Some(TrustedBy::Mozilla), None));
    assert_eq!(certificate.issuer_out_of_date, dated("2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"));
    // Who signed it is not known here, whatever the time.
    let other = authority("Other");
    let (_, certificate) = shown(&[&other], &[&other], &chain);
    assert_eq!((certificate.trusted_by, certificate.chain_fault), (Some(TrustedBy::Nobody), None));
    let young = below("Old", (2027, 2028), &root);
    let chain = [leaf(HOST, (2022, 2030), &young), young.der().clone()];
    let (_, certificate) = shown(&[&root], &[&root], &chain);
    assert_eq!(certificate.trusted_by, Some(TrustedBy::Both));
    assert_eq!(certificate.issuer_out_of_date, dated("2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"));
    let words = "invalid peer certificate: certificate not valid yet, only from 2027-01-01T00:00:00Z on";
    assert_eq!(certificate.refused.as_deref(), Some(words));
    // The leaf's own dates come first.
    let (_, certificate) = shown(&[&root], &[&root], &[leaf(HOST, (2022, 2025), &young), young.der().clone()]);
    assert_eq!(certificate.issuer_out_of_date, None);
}

#[test]
fn why_a_chain_cannot_be_followed_is_kept_apart_from_authorities_nobody_knows() {
    let (root, other) = (authority("Root"), authority("Other"));
    let (between, old) = (below("Between", (2020, 2040), &root), below("Old", (2023, 2024), &root));
    let own = KeyPair::generate().expect("a key");
    let authority_itself = authority_params(HOST, (2026, 2027)).signed_by(&own, &root).expect("signed").der().clone();
    let nobody_named_root = below("Between", (2020, 2040), &authority("Root"));
    let good = leaf(HOST, (2026, 2027), &between);
    let der = |authority: &Authority| authority.der().clone();
    for (list, chain, fault) in [
        (&root, vec![good.clone()], None),
        (&other, vec![good.clone(), der(&between)], None),
        (&root, vec![leaf(HOST, (2026, 2027), &old), der(&old)], Some(ChainFault::OutOfDate)),
        (&root, vec![good, der(&nobody_named_root)], Some(ChainFault::Signature)),
        (&root, vec![authority_itself], Some(ChainFault::Unusable)),
    ] {
        let (ok, certificate) = shown(&[list], &[list], &chain);
        assert_eq!((ok, certificate.trusted_by), (false, Some(TrustedBy::Nobody)), "{certificate:?}");
        assert_eq!(certificate.chain_fault, fault, "{certificate:?}");
    }
}

#[test]
fn the_issuers_are_named_from_the_leaf_up_as_far_as_they_were_sent() {
    let names = |certificate: Certificate| certificate.chain;
    let root = authority("Root");
    let one = below("One", (2020, 2040), &root);
    let two = below("Two", (2020, 2040), &one);
    let own = leaf(HOST, (2026, 2027), &two);
    let der = |authority: &Authority| authority.der().clone();
    for (sent, expected) in [
        (vec![], vec![]),
        (vec![der(&two)], vec!["CN=Two", "CN=One"]),
        (vec![der(&two), der(&one)], vec!["CN=Two", "CN=One", "CN=Root"]),
        (vec![der(&root), der(&one), der(&two)], vec!["CN=Two", "CN=One", "CN=Root"]),
        (vec![der(&one)], vec![]),
    ] {
        let chain: Vec<_> = std::iter::once(own.clone()).chain(sent).collect();
        assert_eq!(names(shown(&[&root], &[&root], &chain).1), expected);
    }
    let mut chain = Vec::new();
    let mut above = below("0", (2020, 2040), &root);
    for number in 1..9 {
        chain.insert(0, der(&above));
        above = below(&number.to_string(), (2020, 2040), &above);
    }
    chain.insert(0, der(&above));
    chain.insert(0, leaf(HOST, (2026, 2027), &above));
    let long = shown(&[&root], &[&root], &chain).1;
    assert_eq!(long.chain, ["CN=8", "CN=7", "CN=6", "CN=5", "CN=4"]);
    assert_eq!((long.chain_cut, long.chain_fault), (true, Some(ChainFault::TooLong)));
    // Only as far as the first five were sent: the next is not known to have an issuer of its own.
    chain.truncate(5);
    let short = shown(&[&root], &[&root], &chain).1;
    assert_eq!(short.chain, ["CN=8", "CN=7", "CN=6", "CN=5", "CN=4"]);
    assert_eq!((short.chain_cut, short.chain_fault), (false, None));
}

#[test]
fn without_any_roots_nobody_is_let_in_and_the_certificate_is_kept() {
    let known = authority("Known");
    for (mozilla, whose) in [(vec![&known], TrustedBy::Mozilla), (vec![], TrustedBy::Nobody)] {
        let (ok, certificate) = shown(&[], &mozilla, &[leaf(HOST, (2026, 2027), &known)]);
        assert_eq!((ok, certificate.trusted_by), (false, Some(whose)));
        assert_eq!(certificate.refused.as_deref(), Some("this machine has no root certificates: because"));
        assert_eq!(certificate.issuer, "CN=Known");
    }
}

#[test]
fn what_is_no_certificate_is_refused_and_said_to_be_unreadable() {
    let known = authority("Known");
    for junk in [Vec::new(), b"junk".to_vec(), vec![0x30; 70_000]] {
        let (ok, certificate) =
            shown(&[&known], &[&known], &[CertificateDer::from(junk.clone()), CertificateDer::from(junk)]);
        assert_eq!((ok, certificate.trusted_by), (false, Some(TrustedBy::Nobody)));
        assert_eq!(certificate.subject, "unreadable");
    }
}

#[test]
fn mozillas_list_is_there_and_holds_the_roots_of_azures_certificates() {
    for name in ["DigiCert Global Root G2", "Microsoft RSA Root Certificate Authority 2017"] {
        let is_it = |subject: &[u8]| subject.windows(name.len()).any(|part| part == name.as_bytes());
        assert_eq!(webpki_roots::TLS_SERVER_ROOTS.iter().filter(|anchor| is_it(&anchor.subject)).count(), 1, "{name}");
    }
    assert!(Trust::in_roots(Err(String::new())).mozilla.is_some());
}
