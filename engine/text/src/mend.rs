//! Fixes put into files: those that prove themselves, and nothing else changes.
//!
//! A fix is taken over if its diagnostic is gone afterwards, if nothing new is wrong where it was written, and if no
//! other file suffers; a certain one also where more is wrong at its place, which it only brings to light. Guesses are
//! left to authors. Fixes that do not touch each other are tried together, the others after each other, each on what
//! the ones before it left. Whatever a fix brings to light elsewhere in its file was there before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::codes;
use crate::diagnostic::{Confidence, Diagnostic, Fix};
use crate::source::{Position, SourceFile, Span};

/// What came of mending.
#[derive(Clone, Debug)]
pub struct Mended {
    /// All files, in their order, as they are now.
    pub files: Vec<SourceFile>,
    /// What was changed, in order.
    pub changes: Vec<Change>,
    /// What is still to be said of the files.
    pub left: Vec<Diagnostic>,
}

/// One fix that was taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The path of the file.
    pub file: Arc<str>,
    /// Where, in the text as it was then.
    pub position: Position,
    /// Which kind of mistake it mended.
    pub code: &'static str,
    /// What stood there; empty where something was inserted.
    pub before: String,
    /// What stands there now.
    pub after: String,
}

/// A fix that is to be tried.
#[derive(Clone, Copy)]
struct Offer<'a> {
    diagnostic: &'a Diagnostic,
    fix: &'a Fix,
    /// Which of the files it is of.
    file: usize,
}

/// A fix that was put in on trial.
struct Written {
    file: Arc<str>,
    span: Span,
    confidence: Confidence,
}

/// What makes two diagnostics the same though the text before them has changed.
type Identity<'a> = (&'static str, &'a str, Option<&'a str>);

/// Each time a fix is tried, all is checked anew; a chain of fixes that feed each other ends here.
const MOST_ROUNDS: usize = 500;

/// Mends what can be mended. `check` says what is wrong with the files.
pub fn mend(files: Vec<SourceFile>, mut check: impl FnMut(&[SourceFile]) -> Vec<Diagnostic>) -> Mended {
    let left = check(&files);
    let mut mended = Mended { files, changes: Vec::new(), left };
    let mut refused: Vec<(Arc<str>, Fix)> = Vec::new();
    let mut seen: BTreeSet<Vec<Arc<str>>> = BTreeSet::from([texts(&mended.files)]);
    let mut one_alone = false;
    for _ in 0..MOST_ROUNDS {
        let mut offers = apart(offers(&mended, &refused));
        offers.truncate(if one_alone { 1 } else { usize::MAX });
        let [first, more @ ..] = &offers[..] else { break };
        let (trial, written) = with_fixes(&mended.files, &offers);
        let told = check(&trial);
        // What was there before would only come round again.
        if is_better(&offers, &mended.left, &told, &written) && seen.insert(texts(&trial)) {
            let changes: Vec<_> = offers.iter().map(|offer| offer.change(&mended.files)).collect();
            mended.changes.extend(changes);
            mended.files = trial;
            mended.left = told;
            one_alone = false;
        } else if more.is_empty() {
            refused.push((Arc::clone(&mended.files[first.file].path), first.fix.clone()));
            one_alone = false;
        } else {
            // One of them is no good, and which one is found out alone.
            one_alone = true;
        }
    }
    mended
}

fn texts(files: &[SourceFile]) -> Vec<Arc<str>> {
    files.iter().map(|file| Arc::clone(&file.text)).collect()
}

impl Offer<'_> {
    fn change(&self, files: &[SourceFile]) -> Change {
        let file = &files[self.file];
        Change {
            file: Arc::clone(&file.path),
            position: file.position(self.fix.span.start),
            code: self.diagnostic.code,
            before: file.slice(self.fix.span).to_owned(),
            after: self.fix.replacement.clone(),
        }
    }
}

/// All fixes that may still be tried, by their places.
fn offers<'a>(mended: &'a Mended, refused: &[(Arc<str>, Fix)]) -> Vec<Offer<'a>> {
    let mut offers: Vec<_> = mended
        .left
        .iter()
        .filter_map(|diagnostic| {
            let (label, fix) = (diagnostic.labels.first()?, diagnostic.fix.as_ref()?);
            if fix.confidence == Confidence::Guess {
                return None;
            }
            let file = mended.files.iter().position(|file| file.path == label.file)?;
            let was_refused = refused.iter().any(|(path, other)| *path == label.file && other == fix);
            (!was_refused).then_some(Offer { diagnostic, fix, file })
        })
        .collect();
    offers.sort_by_key(|offer| (offer.file, offer.fix.span));
    offers
}

/// The fixes of which no two touch each other.
fn apart(offers: Vec<Offer<'_>>) -> Vec<Offer<'_>> {
    let mut chosen: Vec<Offer<'_>> = Vec::new();
    for offer in offers {
        let touches = |last: &Offer<'_>| last.file == offer.file && offer.fix.span.start <= last.fix.span.end;
        if !chosen.last().is_some_and(touches) {
            chosen.push(offer);
        }
    }
    chosen
}

/// The files with these fixes, and where each was written. The fixes are in order and touch nowhere.
fn with_fixes(files: &[SourceFile], offers: &[Offer<'_>]) -> (Vec<SourceFile>, Vec<Written>) {
    let mut written = Vec::new();
    let mend_one = |(number, file): (usize, &SourceFile)| {
        let mut text = String::with_capacity(file.text.len());
        let mut done = 0;
        for offer in offers.iter().filter(|offer| offer.file == number) {
            let span = offer.fix.span;
            text.push_str(file.slice(Span::new(done, span.start)));
            let start = text.len();
            text.push_str(&file.with_its_breaks(&offer.fix.replacement));
            written.push(Written {
                file: Arc::clone(&file.path),
                span: Span::new(start, text.len()),
                confidence: offer.fix.confidence,
            });
            done = span.end;
        }
        text.push_str(file.slice(Span::new(done, file.text.len())));
        if done == 0 && text.len() == file.text.len() {
            file.clone()
        } else {
            SourceFile::new(Arc::clone(&file.path), &text)
        }
    };
    let files = files.iter().enumerate().map(mend_one).collect();
    (files, written)
}

fn is_better(offers: &[Offer<'_>], before: &[Diagnostic], after: &[Diagnostic], written: &[Written]) -> bool {
    let touches = |one: &Diagnostic, written: &Written| {
        let first = one.labels.first().filter(|label| written.file == label.file);
        first.is_some_and(|label| label.span.start <= written.span.end && written.span.start <= label.span.end)
    };
    let is_written = |one: &Diagnostic| written.iter().any(|written| touches(one, written));
    // A word that is certainly meant was always there, and so was all that is wrong with it; but it must be YAML.
    let is_revealed = |one: &Diagnostic| {
        let is_of_yaml = codes::TABLE.iter().any(|code| code.code == one.code);
        !is_of_yaml && written.iter().all(|written| !touches(one, written) || written.confidence == Confidence::Certain)
    };
    let is_in_mended_file =
        |one: &Diagnostic| one.labels.first().is_some_and(|label| written.iter().any(|fix| fix.file == label.file));
    let (n_before, n_after) = (counted(before), counted(after));
    let count = |of: &BTreeMap<Identity<'_>, usize>, one: &Diagnostic| of.get(&identity(one)).copied().unwrap_or(0);
    // The same may be wrong further down, where it was hidden behind this; but not here, and not more often.
    let is_gone = |offer: &Offer<'_>| {
        let is_same = |one: &&Diagnostic| identity(one) == identity(offer.diagnostic);
        count(&n_after, offer.diagnostic) <= count(&n_before, offer.diagnostic)
            && !after.iter().filter(is_same).any(is_written)
    };
    let is_harmless = |one: &Diagnostic| {
        let is_new = one.is_error() && count(&n_after, one) > count(&n_before, one);
        // A key that now stands twice is told at the other one.
        let is_doubled = one.code == codes::DUPLICATE_KEY;
        !is_new || (is_in_mended_file(one) && !is_doubled && (!is_written(one) || is_revealed(one)))
    };
    offers.iter().all(is_gone) && after.iter().all(is_harmless)
}

fn counted(diagnostics: &[Diagnostic]) -> BTreeMap<Identity<'_>, usize> {
    let mut counts = BTreeMap::new();
    for diagnostic in diagnostics {
        *counts.entry(identity(diagnostic)).or_default() += 1;
    }
    counts
}

fn identity(diagnostic: &Diagnostic) -> Identity<'_> {
    (diagnostic.code, &diagnostic.message, diagnostic.labels.first().map(|label| &*label.file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suggest::Meant;

    /// A language in which every word of a table is a mistake, and its replacement stands beside it.
    fn mended(text: &str, words: &'static [(&'static str, &'static str)]) -> Mended {
        let check = |files: &[SourceFile]| {
            let of_file = |file: &SourceFile| {
                let found = words.iter().flat_map(|(word, replacement)| {
                    file.text.match_indices(word).map(|(start, _)| (start, *word, *replacement)).collect::<Vec<_>>()
                });
                let found = found.map(|(start, word, replacement)| {
                    let span = Span::new(start, start + word.len());
                    Diagnostic::error("F1", format!("`{word}`")).at(&file.path, span, "").fix(span, replacement)
                });
                found.collect::<Vec<_>>()
            };
            files.iter().flat_map(of_file).collect()
        };
        mend(vec![SourceFile::new("a", text), SourceFile::new("b", "c")], check)
    }

    #[test]
    fn what_is_apart_and_what_overlaps_is_mended() {
        let mended = mended("one on two # on\r\n", &[("on two", "in two"), ("one", "1"), ("two # o", "2 # o")]);
        assert_eq!(&*mended.files[0].text, "1 in 2 # on\r\n");
        assert_eq!((mended.left.len(), &*mended.files[1].text), (0, "c"));
        let told: Vec<_> =
            mended.changes.iter().map(|change| (change.before.as_str(), change.position.column)).collect();
        assert_eq!(told, [("one", 1), ("on two", 5), ("two # o", 6)]);
    }

    #[test]
    fn a_fix_that_makes_it_worse_is_left_and_keeps_no_other_back() {
        let mended = mended("bad good bad\n", &[("bad", "worse"), ("worse", "worse!"), ("good", "best")]);
        assert_eq!(&*mended.files[0].text, "bad best bad\n");
        assert_eq!(mended.left.len(), 2);
    }

    #[test]
    fn a_fix_that_mends_nothing_is_left() {
        for words in [&[("bad", "bad bad")], &[("bad", " bad")]] {
            let mended = mended("bad\n", words);
            assert_eq!((&*mended.files[0].text, mended.changes.len()), ("bad\n", 0));
        }
    }

    #[test]
    fn fixes_that_feed_each_other_come_to_an_end() {
        let check = |files: &[SourceFile]| {
            // What is wrong wanders from one end of the file to the other, and round again.
            let text = files[0].text.as_bytes();
            let start = if text[0] == text[2] { 2 } else { 0 };
            let replacement = if text[start] == b'a' { "b" } else { "a" };
            let span = Span::new(start, start + 1);
            vec![Diagnostic::error("F1", "x").at(&files[0].path, span, "").fix(span, replacement)]
        };
        let mended = mend(vec![SourceFile::new("a", "a b\n")], check);
        assert_eq!((mended.changes.len(), mended.left.len()), (3, 1), "{:?}", mended.changes);
    }

    #[test]
    fn what_was_hidden_behind_a_mistake_is_mended_next() {
        let check = |files: &[SourceFile]| {
            let told = |span: Span| {
                Diagnostic::error("F1", "unknown `cmr`")
                    .at(&files[0].path, span, "")
                    .did_you_mean(span, Some(Meant::synonym("crm")))
            };
            // Once it is unknown above, nobody complains of it below.
            files[0].text.find("cmr").map(|start| told(Span::new(start, start + 3))).into_iter().collect()
        };
        let mended = mend(vec![SourceFile::new("a", "cmr cmr\n")], check);
        assert_eq!((&*mended.files[0].text, mended.left.len()), ("crm crm\n", 0));
    }

    /// `upsrt` is no verb, and as a verb it lacks something; `remove` may be one thing or another.
    fn verbs(files: &[SourceFile]) -> Vec<Diagnostic> {
        let told = |word: &str, meant| {
            let start = files[0].text.find(word)?;
            let span = Span::new(start, start + word.len());
            Some(Diagnostic::error("F1", word).at(&files[0].path, span, "").did_you_mean(span, meant))
        };
        let certain = Meant { word: "upsert", confidence: Confidence::Certain };
        let told = [told("upsrt", Some(certain)), told("upsert", None), told("remove", Some(Meant::guess("delete")))];
        told.into_iter().flatten().collect()
    }

    #[test]
    fn what_is_certain_is_put_in_although_more_is_wrong_there() {
        let mended = mend(vec![SourceFile::new("a", "upsrt\n")], verbs);
        assert_eq!((&*mended.files[0].text, mended.left.len()), ("upsert\n", 1));
    }

    #[test]
    fn a_guess_is_left_to_the_author() {
        let mended = mend(vec![SourceFile::new("a", "remove\n")], verbs);
        assert_eq!((&*mended.files[0].text, mended.left.len()), ("remove\n", 1));
    }

    #[test]
    fn what_is_certain_is_left_where_it_breaks_the_file() {
        let check = |files: &[SourceFile]| {
            let told = |code, word: &str, meant| {
                let start = files[0].text.find(word)?;
                let span = Span::new(start, start + word.len());
                Some(Diagnostic::error(code, word).at(&files[0].path, span, "").did_you_mean(span, meant))
            };
            let certain = Meant { word: "email", confidence: Confidence::Certain };
            let twice = (files[0].text.matches("email").count() > 1).then(|| told(codes::DUPLICATE_KEY, "email", None));
            [told("F1", "emial", Some(certain)), twice.flatten()].into_iter().flatten().collect()
        };
        let mended = mend(vec![SourceFile::new("a", "emial email\n")], check);
        assert_eq!(&*mended.files[0].text, "emial email\n");
    }

    #[test]
    fn line_breaks_are_those_of_the_file() {
        let mended = mended("x\r\ny\r\n", &[("x", "a\nb")]);
        assert_eq!(&*mended.files[0].text, "a\r\nb\r\ny\r\n");
    }
}
