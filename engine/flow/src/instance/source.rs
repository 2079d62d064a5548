//! The text in which a definition's places are.
//!
//! That of an instance is its template's text with its own behind it: what the template says and what was filled in
//! keep their places side by side in one tree. Whatever is told about a place is brought to the file that it really is
//! in.

use std::path::Path;
use std::sync::Arc;

use text::{Diagnostic, Fix, Position, SourceFile, Span};

/// The text in which a definition's places are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// A file, or a template's file that goes on with its instance's text.
    pub(crate) text: SourceFile,
    instance: Option<Instance>,
}

/// An instance's own file, and where its text begins in the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Instance {
    begin: usize,
    file: SourceFile,
}

impl Source {
    /// A file as it is.
    pub(crate) fn of_file(file: &SourceFile) -> Self {
        Self { text: file.clone(), instance: None }
    }

    /// A template's file, and that of its instance behind it.
    pub(crate) fn woven(template: &SourceFile, instance: &SourceFile) -> Self {
        let whole = format!("{}\n{}", template.text, instance.text);
        let instance = Instance { begin: template.text.len() + 1, file: instance.clone() };
        Self { text: SourceFile::new(Arc::clone(&template.path), &whole), instance: Some(instance) }
    }

    /// Where the instance's text begins; 0 where there is none.
    pub(crate) fn begin_of_instance(&self) -> usize {
        self.instance.as_ref().map_or(0, |instance| instance.begin)
    }

    /// The file in which a place is, and where in it.
    pub(crate) fn label(&self, span: Span) -> (Arc<str>, Span) {
        match &self.instance {
            Some(instance) if span.start >= instance.begin => {
                let span = Span::new(span.start - instance.begin, span.end - instance.begin);
                (Arc::clone(&instance.file.path), span)
            }
            Some(_) | None => (Arc::clone(&self.text.path), span),
        }
    }

    /// The file in which a place is, its line and its column.
    pub(crate) fn position(&self, span: Span) -> (Arc<str>, Position) {
        let (path, real) = self.label(span);
        let position = match &self.instance {
            Some(instance) if span.start >= instance.begin => instance.file.position(real.start),
            Some(_) | None => self.text.position(real.start),
        };
        (path, position)
    }

    /// The diagnostic at the places where its author finds them.
    pub(crate) fn told(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        if self.instance.is_none() {
            return diagnostic;
        }
        // Places in other files came with their own.
        let is_here = |file: &Arc<str>| Path::new(&**file) == Path::new(&*self.text.path);
        let first =
            diagnostic.labels.first().filter(|label| is_here(&label.file)).map(|label| self.label(label.span).0);
        // A correction is one of the file that the diagnostic begins with.
        let fix = diagnostic.fix.take().map(|fix| (self.label(fix.span), fix));
        diagnostic.fix = match (first, fix) {
            (Some(first), Some(((file, span), fix))) if file == first => Some(Fix { span, ..fix }),
            (Some(_) | None, _) => None,
        };
        for label in diagnostic.labels.iter_mut().filter(|label| is_here(&label.file)) {
            (label.file, label.span) = self.label(label.span);
        }
        diagnostic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_in_the_file_that_it_is_in() {
        let (template, instance) = (SourceFile::new("t.yaml", "a: 1"), SourceFile::new("i.yaml", "b: 2\nc: 3\n"));
        let source = Source::woven(&template, &instance);
        let begin = source.begin_of_instance();
        assert_eq!(source.label(Span::new(3, 4)), ("t.yaml".into(), Span::new(3, 4)));
        assert_eq!(source.label(Span::new(begin + 5, begin + 6)), ("i.yaml".into(), Span::new(5, 6)));
        let (path, position) = source.position(Span::new(begin + 5, begin + 6));
        assert_eq!((&*path, position), ("i.yaml", Position { line: 2, column: 1 }));
        let (path, position) = source.position(Span::new(3, 4));
        assert_eq!((&*path, position), ("t.yaml", Position { line: 1, column: 4 }));

        let whole = &source.text.path;
        let here = Span::new(begin + 3, begin + 4);
        let told = source.told(Diagnostic::error("F0105", "x").at(whole, here, "").fix(here, "5"));
        assert_eq!((&*told.labels[0].file, told.labels[0].span), ("i.yaml", Span::new(3, 4)));
        assert_eq!(told.fix.map(|fix| fix.span), Some(Span::new(3, 4)));
        let told = source.told(Diagnostic::error("F0105", "x").at(whole, Span::new(0, 1), "").fix(here, "5"));
        assert_eq!((&*told.labels[0].file, told.fix), ("t.yaml", None), "a correction of another file is none");
    }
}
