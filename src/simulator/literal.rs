//! Answers given word for word, from the `http` blocks of a page's example.

/// An answer given word for word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// The method it answers; `None` for any.
    pub method: Option<String>,
    /// Scheme, host and path, normalised; without the `*` of a prefix.
    pub url: String,
    /// Parameters that the request must have.
    pub query: Vec<(String, String)>,
    /// Does it answer every request that begins like the URL, unchecked?
    pub prefix: bool,
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The headers without those that frame the body.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Literal {
    /// Reads an http block: `METHOD URL`, a blank line, a complete HTTP/1.1 response.
    pub fn parse(block: &str) -> Result<Self, String> {
        let block = block.replace("\r\n", "\n");
        let (request, response) = block.split_once("\n\n").ok_or("a blank line belongs after METHOD URL")?;
        let (method, url) = request.trim().split_once(' ').ok_or("the first line is METHOD URL")?;
        let method = match method {
            "ANY" => None,
            "GET" => Some(method.to_owned()),
            other => return Err(format!("the method is GET or ANY, not {other:?}")),
        };
        let (url, prefix) = match url.trim().strip_suffix('*') {
            Some(url) => (url, true),
            None => (url.trim(), false),
        };
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            return Err("the URL begins with http:// or https://".into());
        }
        let (head, body) = response.split_once("\n\n").unwrap_or((response.trim_end_matches('\n'), ""));
        let head = format!("{head}\n\n");
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Response::new(&mut fields);
        match parsed.parse(head.as_bytes()) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err("the response ends too early".into()),
            Err(error) => return Err(format!("not an HTTP response: {error}")),
        }
        if parsed.version != Some(1) {
            return Err("the response is HTTP/1.1".into());
        }
        let mut headers = Vec::new();
        for field in parsed.headers.iter() {
            let framing =
                ["content-length", "transfer-encoding"].iter().any(|name| field.name.eq_ignore_ascii_case(name));
            if !framing {
                let value = String::from_utf8(field.value.to_vec()).map_err(|_| "a header is not UTF-8")?;
                headers.push((field.name.to_owned(), value));
            }
        }
        Ok(Self {
            method,
            url: normal(url),
            query: parameters(url),
            prefix,
            status: parsed.code.unwrap_or_default(),
            reason: parsed.reason.unwrap_or_default().to_owned(),
            headers,
            // The newline before a fence's end is the page's, not the body's.
            body: body.trim_end_matches('\n').as_bytes().to_vec(),
        })
    }

    /// Does it answer this request?
    pub fn answers(&self, method: &str, url: &str) -> bool {
        let asked = normal(url);
        let fits = if self.prefix { asked.starts_with(&self.url) } else { asked == self.url };
        let query = parameters(url);
        fits && self.query.iter().all(|wanted| query.contains(wanted))
            && self.method.as_deref().is_none_or(|wanted| wanted == method)
    }
}

/// The parameters of a URL's query.
fn parameters(url: &str) -> Vec<(String, String)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Scheme, host and path in lower case, without query, and with one name for the machine itself.
fn normal(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let own = ["http://127.0.0.1:", "http://[::1]:"].iter().find_map(|own| url.strip_prefix(own));
    own.map_or_else(|| url.clone(), |rest| format!("http://localhost:{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_keeps_reason_headers_and_body() {
        let literal = Literal::parse(
            "ANY http://169.254.169.254/*\n\nHTTP/1.1 403 Go Away\nServer: EC2\nContent-Length: 9\n\n<html>\n\n</html>\n",
        )
        .expect("it parses");
        assert_eq!((literal.status, literal.reason.as_str()), (403, "Go Away"));
        assert_eq!(literal.headers, [("Server".to_owned(), "EC2".to_owned())]);
        assert_eq!(literal.body, b"<html>\n\n</html>");
        assert!(literal.answers("POST", "http://169.254.169.254/metadata/instance?api-version=1"));
        assert!(!literal.answers("POST", "http://169.254.169.25/"));
    }

    #[test]
    fn the_machine_itself_has_one_name_where_a_url_begins() {
        for (url, name) in [
            ("http://127.0.0.1:50342/X?y", "http://localhost:50342/x"),
            ("http://[::1]:50342/", "http://localhost:50342/"),
            ("http://[::1]:80/http://127.0.0.1:80/", "http://localhost:80/http://127.0.0.1:80/"),
        ] {
            assert_eq!((normal(url).as_str(), normal(&normal(url)).as_str()), (name, name));
        }
    }
}
