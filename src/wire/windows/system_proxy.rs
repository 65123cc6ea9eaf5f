//! How Windows writes its proxies down: WinHTTP's in one value of bytes, the list of proxies by scheme. What follows from them is
//! judged elsewhere.

/// The proxies of a list, as far as plain HTTP goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Host and port, or a URL.
    pub plain: Option<String>,
    /// Does another scheme have a proxy of its own?
    pub others: bool,
}

/// Reads `proxy:8080` or `http=proxy:8080;https=other:8080` (Microsoft's page on `WINHTTP_PROXY_INFO`); blanks part entries too.
pub fn listed(list: &str) -> Listed {
    let mut found = Listed::default();
    for entry in list.split([';', ' ', '\t']).filter(|entry| !entry.is_empty()) {
        match entry.split_once('=') {
            None => found.plain = Some(entry.to_owned()),
            Some((scheme, proxy)) if scheme.eq_ignore_ascii_case("http") => {
                found.plain = Some(proxy.to_owned());
                found.others = true;
            }
            Some(_) => found.others = true,
        }
    }
    found
}

/// The list of proxies and the list of exceptions in `WinHttpSettings`; `None` where none is set. No page says what the bytes are;
/// many programs read them so: a version, a counter and flags in four bytes each, of which 2 is a proxy by name, then two
/// texts, each with its length in four bytes before it.
pub fn win_http(bytes: &[u8]) -> Option<(String, String)> {
    const NAMED: u32 = 2;
    let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?));
    let text = |at: usize| {
        let start = at.checked_add(4)?;
        let end = start.checked_add(usize::try_from(number(at)?).ok()?)?;
        Some((String::from_utf8_lossy(bytes.get(start..end)?).into_owned(), end))
    };
    if number(8)? & NAMED == 0 {
        return None;
    }
    let (proxies, end) = text(12)?;
    let bypass = text(end).map(|(bypass, _)| bypass).unwrap_or_default();
    Some((proxies, bypass)).filter(|(proxies, _)| !proxies.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `netsh winhttp set proxy` leaves it.
    fn written(flags: u32, proxies: &str, bypass: &str) -> Vec<u8> {
        let mut bytes = [0x28_u32, 0, flags].map(u32::to_le_bytes).concat();
        for text in [proxies, bypass] {
            bytes.extend((text.len() as u32).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes
    }

    #[test]
    fn what_netsh_wrote_is_read() {
        let both = |proxies: &str, bypass: &str| Some((proxies.to_owned(), bypass.to_owned()));
        let bytes = written(3, "proxy.contoso.com:8080", "<local>;*.contoso.com");
        assert_eq!(win_http(&bytes), both("proxy.contoso.com:8080", "<local>;*.contoso.com"));
        assert_eq!(win_http(&written(3, "p:1", "")), both("p:1", ""));
        // What is there when nothing is set, as Microsoft's page on WinHTTP's proxy settings shows it.
        let direct = [0x18, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(win_http(&direct), None);
        assert_eq!(win_http(&written(1, "p:1", "")), None);
    }

    #[test]
    fn nothing_is_read_beyond_the_bytes_that_are_there() {
        let whole = written(3, "p:8080", "<local>");
        for end in 0..=whole.len() {
            if let Some((proxies, bypass)) = win_http(&whole[..end]) {
                assert_eq!(proxies, "p:8080");
                assert!(["", "<local>"].contains(&bypass.as_str()), "{bypass}");
            }
        }
        let mut long = whole;
        long[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(win_http(&long), None);
    }

    #[test]
    fn of_a_list_plain_http_counts() {
        let expected = |plain: Option<&str>, others| Listed { plain: plain.map(str::to_owned), others };
        for (list, plain, others) in [
            ("proxy:8080", Some("proxy:8080"), false),
            ("http://proxy:8080", Some("http://proxy:8080"), false),
            ("http=proxy:8080;https=other:8443", Some("proxy:8080"), true),
            ("https=other:8443 HTTP=proxy:8080", Some("proxy:8080"), true),
            ("https=other:8443", None, true),
            ("", None, false),
        ] {
            assert_eq!(listed(list), expected(plain, others), "{list}");
        }
    }
}
