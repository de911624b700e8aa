//! Text of kernel IR in tokens.

/// A token with the line it stands on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub line: usize,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// A name, a keyword or a number: letters, digits, `_`, `.`, and `-` and `+` inside of numbers.
    Word(String),
    /// What stands in quotes.
    Quoted(String),
    /// One of `[]{},:=<+`.
    Mark(char),
}

/// The tokens of a text; the line of a character that begins none.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, usize> {
    let mut out = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line_number = number + 1;
        let mut chars = line.chars().peekable();
        while let Some(&c) = chars.peek() {
            let kind = match c {
                ';' => break,
                c if c.is_whitespace() => {
                    chars.next();
                    continue;
                }
                '"' => {
                    chars.next();
                    TokenKind::Quoted(quoted(&mut chars).ok_or(line_number)?)
                }
                '[' | ']' | '{' | '}' | ',' | ':' | '=' | '<' | '+' => {
                    chars.next();
                    TokenKind::Mark(c)
                }
                c if c.is_ascii_alphanumeric() || c == '_' || c == '-' => {
                    TokenKind::Word(word(&mut chars))
                }
                _ => return Err(line_number),
            };
            out.push(Token {
                kind,
                line: line_number,
            });
        }
    }
    Ok(out)
}

fn quoted(chars: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut out = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(out),
            '\\' => out.push(match chars.next()? {
                'n' => '\n',
                c => c,
            }),
            c => out.push(c),
        }
    }
}

fn word(chars: &mut std::iter::Peekable<impl Iterator<Item = char>>) -> String {
    let mut out = String::new();
    while let Some(&c) = chars.peek() {
        let number = out.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        let sign = (c == '-' || c == '+') && (out.is_empty() || number && out.ends_with('e'));
        if !(c.is_ascii_alphanumeric() || c == '_' || c == '.' || sign) {
            break;
        }
        out.push(c);
        chars.next();
    }
    out
}
