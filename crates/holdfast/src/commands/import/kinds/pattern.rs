//! Patterns of paths: `*` stands for one name, `**` for any number of them.

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Name(String),
    AnyName,
    AnyPath,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// It is not absolute, has an empty name, or an asterisk within a name.
    pub(super) fn parse(text: &str) -> Result<Pattern, String> {
        let rest = text.strip_prefix('/').ok_or("it must begin with a slash")?;
        let part = |name: &str| match name {
            "" => Err("it has an empty name".to_owned()),
            "*" => Ok(Part::AnyName),
            "**" => Ok(Part::AnyPath),
            name if name.contains('*') => Err("* stands for a whole name".to_owned()),
            name => Ok(Part::Name(name.to_owned())),
        };
        rest.split('/')
            .map(part)
            .collect::<Result<_, _>>()
            .map(Pattern)
    }

    /// Whether a path is meant. The work grows with the names of the path times the parts.
    pub(super) fn matches(&self, path: &str) -> bool {
        let names = path.split('/').skip(1);
        // reached[i]: the first i parts stand for all the names so far.
        let mut reached = vec![true];
        reached.extend(self.0.iter().map(|_| false));
        skip_any_path(&self.0, &mut reached);
        for name in names {
            let mut next = vec![false];
            for (part, pair) in self.0.iter().zip(reached.windows(2)) {
                let (before, within) = (pair.first(), pair.get(1));
                let before = before.copied().unwrap_or(false);
                next.push(match part {
                    Part::Name(wanted) => before && wanted == name,
                    Part::AnyName => before,
                    Part::AnyPath => before || within.copied().unwrap_or(false),
                });
            }
            skip_any_path(&self.0, &mut next);
            reached = next;
        }
        reached.last().copied().unwrap_or(false)
    }
}

/// `**` may stand for nothing.
fn skip_any_path(parts: &[Part], reached: &mut [bool]) {
    for (at, part) in parts.iter().enumerate() {
        if *part == Part::AnyPath
            && reached.get(at).copied().unwrap_or(false)
            && let Some(after) = reached.get_mut(at + 1)
        {
            *after = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_or_any_number_of_them() {
        let table = [
            ("/a", "/a", true),
            ("/a", "/a/b", false),
            ("/a/*", "/a/b", true),
            ("/a/*", "/a", false),
            ("/a/*", "/a/b/c", false),
            ("/a/**", "/a", true),
            ("/a/**", "/a/b/c", true),
            ("/a/**", "/ab", false),
            ("/**/locks", "/locks", true),
            ("/**/locks", "/x/y/locks", true),
            ("/**/locks", "/x/locks/y", false),
            ("/a/**/z/*", "/a/z/b/z/c", true),
            ("/*/*", "/a", false),
        ];
        for (pattern, path, meant) in table {
            let pattern = Pattern::parse(pattern).unwrap();
            assert_eq!(pattern.matches(path), meant, "{pattern:?} {path}");
        }
        for wrong in ["", "a", "/", "/a//b", "/a*"] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
