//! What is wrong with a flow is told before it runs: slips are made in everything that is shipped and right, and each
//! that breaks a written rule of the language must be found, at its line, by a check that asks no service.
//!
//! Slips know no rule, and the judge that decides about them shares nothing with the checker but the declared language.
//! `MILLRACE_TESTS=all` makes many more of them.

mod attacks;
mod calls;
mod dice;
mod judge;
mod mutate;
mod names;
mod peak;
mod seeds;
mod whatever;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use flow::Memory;
use text::{Colour, Diagnostic, SourceFile};

use dice::Dice;
use judge::{Broken, judge};
use mutate::{Slip, Slipped, slip};
use seeds::Seed;

/// Where the draws begin.
const SEED: u64 = 20_261_121;

/// A slip that a rule calls wrong, and was not told at its line.
struct Miss {
    slip: Slip,
    sentence: String,
}

#[test]
fn what_is_right_is_told_so() {
    let _alone = peak::alone();
    let mut wrong = String::new();
    let mut n_seeds = 0;
    for seed in seeds::all().iter().flat_map(|group| &group.seeds) {
        n_seeds += 1;
        let told: Vec<_> =
            seed.check(&seed.text, &mut Memory::default()).into_iter().filter(Diagnostic::is_error).collect();
        let judged = judge(&seed.text, seed.mapping, &seed.world);
        if !told.is_empty() || !judged.is_empty() {
            let _ = writeln!(wrong, "==== {}\n{judged:#?}\n{}", seed.name, shown(seed, &seed.text, &told));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(n_seeds > 80, "only {n_seeds} texts");
}

#[test]
fn slips_are_found_where_they_are() {
    let _alone = peak::alone();
    let n_wanted = if std::env::var("MILLRACE_TESTS").as_deref() == Ok("all") { 5_000 } else { 200 };
    let groups = seeds::all();
    let mut dice = Dice::of(SEED);
    let (mut n_open, mut n_open_told) = (0, 0);
    let mut n_wrong: BTreeMap<Slip, usize> = BTreeMap::new();
    let mut misses: Vec<Miss> = Vec::new();
    while n_wrong.values().sum::<usize>() < n_wanted {
        let group = &groups[dice.below(groups.len())];
        let seed = dice.one(&group.seeds);
        let Some(slipped) = slip(&seed.text, &mut dice) else { continue };
        let told = seed.check(&slipped.text, &mut Memory::default());
        let broken = judge(&slipped.text, seed.mapping, &seed.world);
        if broken.is_empty() {
            n_open += 1;
            n_open_told += usize::from(told.iter().any(Diagnostic::is_error));
            continue;
        }
        *n_wrong.entry(slipped.slip).or_default() += 1;
        if !is_told(seed, &slipped, &broken, &told) {
            misses.push(Miss { slip: slipped.slip, sentence: sentence(seed, &slipped, &broken, &told) });
        }
    }
    for miss in &misses {
        eprintln!("{}", miss.sentence);
    }
    let n_missed = |slip: &Slip| misses.iter().filter(|miss| miss.slip == *slip).count();
    for (slip, n) in &n_wrong {
        eprintln!("{slip:?}: {n} against a rule, {} of them missed", n_missed(slip));
    }
    eprintln!(
        "{n_wanted} slips against a rule, {} missed; {n_open} that no rule speaks about, {n_open_told} of them told",
        misses.len()
    );
    assert!(misses.len() * 20 <= n_wanted, "{} of {n_wanted} were missed", misses.len());
    assert!(n_open_told <= n_open && n_wrong.len() == 6, "every slip broke a rule at least once: {n_wrong:?}");
}

/// Whether a mistake is told in the text's own file, at the slip or where a name is used that nothing declares now.
fn is_told(seed: &Seed, slipped: &Slipped, broken: &[Broken], told: &[Diagnostic]) -> bool {
    let mut lines: BTreeSet<usize> = slipped.lines.iter().copied().collect();
    for name in broken.iter().filter_map(|broken| broken.name.as_deref()) {
        let uses = slipped.text.lines().enumerate().filter(|(_, line)| line.contains(name));
        lines.extend(uses.map(|(at, _)| at + 1));
    }
    let file = SourceFile::new(seed.path.clone(), &slipped.text);
    // What is no YAML is often noticed below its mistake, and its beginning is shown as well.
    let labels = |one: &Diagnostic| if one.code == text::codes::SYNTAX { one.labels.len() } else { 1 };
    told.iter().filter(|one| one.is_error()).flat_map(|one| one.labels.iter().take(labels(one))).any(|label| {
        let (first, last) = (file.position(label.span.start).line, file.position(label.span.end).line);
        label.file == seed.path && (first..=last.max(first)).any(|line| lines.contains(&line))
    })
}

/// All there is to know about a miss.
fn sentence(seed: &Seed, slipped: &Slipped, broken: &[Broken], told: &[Diagnostic]) -> String {
    let mut sentence = format!("==== {} {:?} at {:?}: {}\n", seed.name, slipped.slip, slipped.lines, slipped.change);
    for broken in broken {
        let _ = writeln!(sentence, "rule: {}", broken.rule);
    }
    let _ = writeln!(sentence, "{}---- told\n{}", slipped.text, shown(seed, &slipped.text, told));
    sentence
}

fn shown(seed: &Seed, text: &str, told: &[Diagnostic]) -> String {
    let files = seed.project.files.with_texts(&[SourceFile::new(seed.path.clone(), text)]);
    text::render(told, &files.sources(), Colour::Never)
}
