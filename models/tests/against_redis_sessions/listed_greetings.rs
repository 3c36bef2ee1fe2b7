//! Stories that were written down: what clients say when they connect, and parameters.

pub const STORIES: &[&str] = &[
    "greetings
     0 HELLO
     0 HELLO 2
     0 HELLO 1
     0 HELLO 4
     0 HELLO x
     0 HELLO 2 SETNAME me
     0 CLIENT GETNAME
     0 HELLO 2 SETNAME a_b
     0 HELLO 2 AUTH default x SETNAME you
     0 CLIENT GETNAME
     0 HELLO 2 AUTH nosuch x
     0 HELLO 2 AUTH default
     0 HELLO 2 NOSUCH
     0 AUTH x
     0 AUTH default x
     0 AUTH nosuch x
     0 AUTH a b c
     0 AUTH
     0 ROLE
     0 ROLE x
     0 SELECT 0
     0 ECHO x
     0 RESET x
     0 INFO
     0 INFO server
     0 INFO replication keyspace
     0 INFO nosuch
     0 QUIT x
     0 PING
     0 QUIT
     0 POST /
     0 Host: x",
    "parameters
     0 CONFIG GET hz
     0 CONFIG GET HZ hz
     0 CONFIG GET timeout
     0 CONFIG GET maxmemory
     0 CONFIG GET min-slaves-to-write
     0 CONFIG GET appendonly
     0 CONFIG GET save
     0 CONFIG GET nosuch
     0 CONFIG GET
     0 CONFIG SET hz
     0 CONFIG SET hz 20
     0 CONFIG GET hz
     0 CONFIG SET hz 0
     0 CONFIG GET hz
     0 CONFIG SET hz 1000
     0 CONFIG GET hz
     0 CONFIG SET hz x
     0 CONFIG SET hz -1
     0 CONFIG SET hz 5 hz 6
     0 CONFIG SET hz 5 nosuch 6
     0 CONFIG SET hz 5 maxmemory x
     0 CONFIG GET hz
     0 CONFIG SET HZ 10
     0 CONFIG SET maxmemory 0
     0 CONFIG SET maxmemory 1kx
     0 CONFIG SET maxmemory-policy x
     0 CONFIG SET appendonly x
     0 CONFIG SET appendonly no
     0 CONFIG SET appendfsync x
     0 CONFIG SET appendfsync everysec
     0 CONFIG SET databases 4
     0 CONFIG SET dir /tmp
     0 CONFIG SET maxclients 0
     0 CONFIG SET port 70000
     0 CONFIG SET min-replicas-to-write -1
     0 CONFIG SET timeout 0 hz 10
     0 CONFIG RESETSTAT
     0 CONFIG RESETSTAT x
     0 CONFIG NOSUCH
     0 CONFIG",
    "memory
     0 SET a 1
     0 CONFIG SET maxmemory 1 maxmemory-samples 7
     0 CONFIG GET maxmemory-samples
     0 CONFIG GET maxmemory
     0 SET b 1
     0 GET a
     0 MULTI
     0 GET a
     0 EXEC
     0 CONFIG SET maxmemory-policy volatile-ttl
     0 SET b 1
     0 PEXPIRE a 100000
     0 EXISTS a
     0 CONFIG SET maxmemory 0
     0 SET b 1
     0 CONFIG SET maxmemory 1kb maxmemory-policy allkeys-lfu
     0 CONFIG GET maxmemory
     0 CONFIG GET maxmemory-policy
     0 EXISTS b
     0 CONFIG SET maxmemory 0 maxmemory-policy noeviction maxmemory-samples 5
     0 SET b 1",
];
