//! What Redisson's locks send, in order, and what they make of the answers.
