//! Tokens: what is kept of a JWT, and that sealing leaves nothing of one in any text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use midoctor::seal;
use midoctor::simulator::CANARY;
use midoctor::token::{KNOWN, Token};
use midoctor_fuzz::with_tokens;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    claims(text);
    let Some(text) = with_tokens(text) else { return };
    // A token among other text, as an answer or a log holds it.
    claims(&text);
    let sealed = seal::tokens(&text);
    assert!(!sealed.contains(CANARY), "{sealed}");
    assert_eq!(seal::tokens(&sealed), sealed);
    let sealed = seal::text(&text);
    assert!(!sealed.contains(CANARY), "{sealed}");
    assert_eq!(seal::text(&sealed), sealed);
    assert_eq!(sealed.matches('\n').count(), text.matches('\n').count());
});

fn claims(text: &str) {
    let claims = Token::new(text.to_owned()).claims();
    assert_eq!(claims.length, text.len());
    assert!(claims.unreadable.is_none() || claims.known.is_empty());
    for (name, value) in &claims.known {
        assert!(KNOWN.contains(&name.as_str()), "{name}");
        assert!(value.is_number() || value.as_str().is_some_and(|text| text.len() <= 1024), "{value}");
        let _ = claims.time(name);
    }
    let json = serde_json::to_string(&claims).unwrap();
    assert!(!json.contains(CANARY) || text.split('.').nth(1).is_some_and(|payload| payload.contains(CANARY)), "{json}");
    assert_eq!(serde_json::from_str::<midoctor::token::Claims>(&json).unwrap().known.len(), claims.known.len());
}
