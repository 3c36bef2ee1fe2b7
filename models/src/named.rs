//! Names in scenario files for what has few variants.

/// Gives an enum its names in scenario files: `named!(Clock: "wall" => Wall, …)`.
macro_rules! named {
    ($type:ident: $($name:literal => $variant:ident),+) => {
        impl $type {
            /// Each with its name in scenario files.
            pub const ALL: &'static [(&'static str, Self)] = &[$(($name, Self::$variant)),+];

            /// The name in scenario files.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }
    };
}

pub(crate) use named;
