//! Changes of texts that consist of words and signs: IR, kernels.

use crate::random::Random;

/// One of the texts with some pieces deleted, doubled, replaced, or taken from another one.
///
/// Half of the changes put a word where one of its kind stands, so that what comes of it still means
/// something; `pieces` are put anywhere.
pub fn changed_text(texts: &[String], pieces: &[&str], seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut text = random.pick(texts);
    for _ in 0..1 + random.below(4) {
        match random.one_in(2) {
            true => exchange(&mut text, texts, &mut random),
            false => disturb(&mut text, texts, pieces, &mut random),
        }
    }
    text
}

fn disturb(text: &mut String, texts: &[String], pieces: &[&str], random: &mut Random) {
    let from = place(text, random.below(text.len() + 1));
    let to = place(text, from + random.below(12).min(text.len() - from));
    let piece = match random.below(6) {
        0 => String::new(),
        1 => text[from..to].repeat(2),
        2 => random.pick(pieces).to_string(),
        3 => random.below(10).to_string(),
        4 => {
            // A line again, where it was or further down.
            let line = lines(&text[..from]).last().copied().unwrap_or("");
            line.to_string()
        }
        _ => {
            let other = random.pick(texts);
            let words: Vec<&str> = other.split_inclusive(['\n', ' ']).collect();
            let first = random.below(words.len());
            let end = (first + 1 + random.below(8)).min(words.len());
            words.get(first..end).unwrap_or_default().concat()
        }
    };
    text.replace_range(from..to, &piece);
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// The last place up to `at` where a character starts.
fn place(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// What a word is, as far as another word may stand in its place.
#[derive(PartialEq)]
enum Kind {
    Value,
    Number,
    Name,
    Sign,
}

/// The words of a text, with their places.
fn words(text: &str) -> Vec<(usize, &str, Kind)> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '%' | '.');
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let end = text[at..].find(|c| !is_word(c)).unwrap_or(text.len() - at);
        let word = &text[at..at + end.max(first.len_utf8())];
        if !first.is_whitespace() {
            let kind = match first {
                '%' => Kind::Value,
                '0'..='9' => Kind::Number,
                c if is_word(c) => Kind::Name,
                _ => Kind::Sign,
            };
            out.push((at, word, kind));
        }
        at += word.len();
    }
    out
}

/// Puts a word in the place of one of its kind.
fn exchange(text: &mut String, texts: &[String], random: &mut Random) {
    let found = words(text);
    if found.is_empty() {
        return;
    }
    let (at, old, kind) = &found[random.below(found.len())];
    // Names are those of any text: ops stand among them.
    let from = match kind {
        Kind::Value | Kind::Number | Kind::Sign => text.clone(),
        Kind::Name => random.pick(texts),
    };
    let same = words(&from).into_iter().filter(|w| w.2 == *kind);
    let same: Vec<&str> = same.map(|w| w.1).collect();
    if let Some(new) = same.get(random.below(same.len())) {
        let range = *at..at + old.len();
        text.replace_range(range, new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_and_put_together_again() {
        let text = "%a.b = añd -12, [S]\n";
        let found = words(text);
        let all: Vec<&str> = found.iter().map(|w| w.1).collect();
        assert_eq!(all, ["%a.b", "=", "añd", "-", "12", ",", "[", "S", "]"]);
        assert!(
            found
                .iter()
                .all(|(at, word, _)| text[*at..].starts_with(word))
        );
    }

    #[test]
    fn any_text_can_be_changed() {
        let texts = [
            "".to_string(),
            "é".to_string(),
            "%x = add %x, 1\n".to_string(),
        ];
        let changed: Vec<String> = (0..500).map(|s| changed_text(&texts, &["{"], s)).collect();
        assert!(changed.iter().any(|t| t.contains('{')));
    }
}
