//! Which strings are paths.

/// True for what can be a node's path. Source: `PathUtils.java`, `validatePath`.
pub(in crate::zookeeper) fn is_valid(path: &str) -> bool {
    let Some(below) = path.strip_prefix('/') else { return false };
    below.is_empty() || below.split('/').all(is_valid_name)
}

fn is_valid_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.chars().any(is_refused)
}

/// Characters outside the basic plane are two surrogates in Java, which are refused.
fn is_refused(character: char) -> bool {
    matches!(character, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..)
}

/// The path of a node's parent: what stands before the last slash. `None` where there is no slash.
pub(in crate::zookeeper) fn parent(path: &str) -> Option<&str> {
    match path.rfind('/')? {
        0 => Some("/"),
        slash => Some(&path[..slash]),
    }
}

/// What stands behind the last slash.
pub(in crate::zookeeper) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// True for the nodes that are always there. Source: `DataTree.java`, `isSpecialPath`.
pub(in crate::zookeeper) fn is_special(path: &str) -> bool {
    matches!(path, "/" | "/zookeeper" | "/zookeeper/quota" | "/zookeeper/config")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_judged_as_zookeeper_does() {
        for path in ["/", "/a", "/a/b.c", "/..a", "/a/b..", "/ä b", "/a/...", "/\u{d7ff}"] {
            assert!(is_valid(path), "{path:?}");
        }
        let bad =
            ["", "a", "//", "/a/", "/a//b", "/.", "/a/../b", "/a/.", "/\0", "/a\u{7}", "/\u{80}"];
        for path in bad.into_iter().chain(["/\u{e000}", "/\u{ffff}", "/😀"]) {
            assert!(!is_valid(path), "{path:?}");
        }
    }

    #[test]
    fn a_node_lies_below_its_parent() {
        assert_eq!(parent("/a"), Some("/"));
        assert_eq!(parent("/a/b"), Some("/a"));
        assert_eq!(parent("a"), None);
        assert_eq!((name("/a/b"), name("/a")), ("b", "a"));
    }
}
