//! Reads words and signs; skips white space and comments.

use super::error::ParseProblem;
use super::parse::{Parsed, Parser};

impl<'a> Parser<'a> {
    pub(super) fn space(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(c) = bytes.get(self.at) {
            match c {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                b';' => {
                    let rest = &bytes[self.at..];
                    self.at += rest.iter().position(|c| *c == b'\n').unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    pub(super) fn peek(&mut self) -> Option<u8> {
        self.space();
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn eat(&mut self, sign: &str) -> bool {
        self.space();
        let found = self.text.as_bytes()[self.at..].starts_with(sign.as_bytes());
        // `->` is no minus, `<=` no bracket.
        let longer = match sign {
            "-" => self.text.as_bytes().get(self.at + 1) == Some(&b'>'),
            _ => false,
        };
        if found && !longer {
            self.at += sign.len();
        }
        found && !longer
    }

    pub(super) fn sign(&mut self, sign: &'static str) -> Parsed<()> {
        match self.eat(sign) {
            true => Ok(()),
            false => Err(self.expected(sign)),
        }
    }

    pub(super) fn run(&mut self, holds: fn(char) -> bool, what: &'static str) -> Parsed<&'a str> {
        self.space();
        let rest = &self.text[self.at..];
        let end = rest.find(|c| !holds(c)).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.expected(what));
        }
        self.last = self.at;
        self.at += end;
        Ok(&rest[..end])
    }

    /// A name, which may be a path (`Linear::forward`, `m.width`).
    pub(super) fn path(&mut self) -> Parsed<&'a str> {
        self.space();
        let bytes = self.text.as_bytes();
        let start = self.at;
        while let Some(c) = bytes.get(self.at) {
            match c {
                b'_' | b'.' => self.at += 1,
                c if c.is_ascii_alphanumeric() || *c >= 0x80 => self.at += 1,
                b':' if bytes.get(self.at + 1) == Some(&b':') => self.at += 2,
                _ => break,
            }
        }
        self.last = start;
        match self.at > start {
            true => Ok(&self.text[start..self.at]),
            false => Err(self.expected("a name")),
        }
    }

    pub(super) fn ident_follows(&mut self) -> bool {
        self.peek()
            .is_some_and(|c| c == b'_' || c.is_ascii_alphabetic() || c >= 0x80)
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        self.space();
        let rest = &self.text.as_bytes()[self.at..];
        let ends = match rest.get(word.len()) {
            Some(c) => !(c.is_ascii_alphanumeric() || *c == b'_' || *c >= 0x80),
            None => true,
        };
        let found = ends && rest.starts_with(word.as_bytes());
        if found {
            self.at += word.len();
        }
        found
    }

    pub(super) fn word(&mut self, word: &'static str) -> Parsed<()> {
        match self.eat_word(word) {
            true => Ok(()),
            false => Err(self.expected(word)),
        }
    }

    pub(super) fn expected(&mut self, expected: &'static str) -> ParseProblem {
        self.space();
        ParseProblem::Expected {
            expected,
            found: self.text[self.at..].chars().take(16).collect(),
        }
    }
}
