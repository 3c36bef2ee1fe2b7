-- The world that scripts live in: run once per VM. It gets the functions that Rust provides, and
-- returns the globals of all scripts and the function that runs one.
--
-- Redis patches Lua so that tables can be made read-only (`lua_enablereadonlytable`). Plain Lua
-- has no such thing, so scripts see empty proxies: reads go through to the table behind, writes
-- are errors. Nothing a script does may reach the next one: whatever could write past a proxy
-- (`rawset`, `setmetatable`, `table.insert`) is wrapped, and whatever would show the state of the
-- VM (addresses, memory in use, finalisers) is replaced or taken away. `getfenv` and `setfenv`,
-- which could too, are missing in Debian's Redis 7.0.15 as well.
--
-- The names of the locals are those that Lua shows in its messages.

local host = ...

local error, getmetatable, loadstring, pairs, pcall, rawget, rawset, select, setmetatable,
  tostring, type, unpack, xpcall =
  error, getmetatable, loadstring, pairs, pcall, rawget, rawset, select, setmetatable,
  tostring, type, unpack, xpcall
local byte, format = string.byte, string.format
local concat, insert = table.concat, table.insert
local create, resume = coroutine.create, coroutine.resume
local convert, handle = host.convert, host.handle

local real = _G
local READONLY = "Attempt to modify a readonly table"

-- Proxies, each with the table that it stands for.
local protected = {}

local function refuse()
  error(READONLY, 2)
end

local function protect(contents)
  local proxy = setmetatable({}, { __index = contents, __newindex = refuse })
  protected[proxy] = contents
  return proxy
end

local function copy(from)
  local to = {}
  for name, value in pairs(from) do to[name] = value end
  return to
end

-- The names of tables and functions that `tostring` was asked for, how many there are, and the
-- run's own `KEYS`: another run begins with none.
local names, named, names_of

local globals = {}
local environment = protect(globals)
setmetatable(globals, {
  __index = function(_, name)
    if type(name) ~= "string" and type(name) ~= "number" then
      error("Second argument to luaProtectedTableError must be a string or number", 2)
    end
    error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
  end,
})

for _, name in pairs({
  "assert", "error", "ipairs", "next", "pairs", "rawequal", "rawget", "select", "tonumber",
  "type", "unpack", "_VERSION",
}) do
  globals[name] = real[name]
end
globals._G = environment

-- Errors ------------------------------------------------------------------------------------

-- An error that Rust raised is an object of Rust's: scripts see the table that Redis would show.
local function shown(message)
  if type(message) ~= "userdata" then return message end
  local value, killed = convert(message)
  -- No script may catch the end of its own time.
  if killed then error(message, 0) end
  return value
end

-- Redis has its own `pcall`, which shows the text of an error table in the table's place.
-- Source: `script_lua.c`, `luaRedisPcall`.
local function after_pcall(ok, ...)
  if ok then return true, ... end
  local message = shown((...))
  if type(message) ~= "table" then return false, message end
  local text = message.err
  if type(text) == "string" or type(text) == "number" then return false, text end
  return false, message, text
end

function globals.pcall(...)
  return after_pcall(pcall(...))
end

local function after_xpcall(ok, ...)
  if not ok then shown((...)) end
  return ok, ...
end

function globals.xpcall(body, handler)
  return after_xpcall(xpcall(body, function(message)
    if type(message) == "userdata" then
      local value, killed = convert(message)
      if killed then return message end
      message = value
    end
    return handler(message)
  end))
end

local function after_resume(ok, ...)
  if ok then return true, ... end
  return false, shown((...))
end

local function pack(...)
  return { ... }, select("#", ...)
end

local coroutines = copy(coroutine)

function coroutines.resume(...)
  return after_resume(resume(...))
end

function coroutines.wrap(body)
  local thread = create(body)
  return function(...)
    local results, count = pack(resume(thread, ...))
    if results[1] then return unpack(results, 2, count) end
    error(shown(results[2]), 2)
  end
end

-- Tables and metatables ------------------------------------------------------------------------

local string_metatable = protect(getmetatable(""))
local environment_metatable = protect(getmetatable(globals))

function globals.getmetatable(object)
  if type(object) == "string" then return string_metatable end
  if object == environment then return environment_metatable end
  if protected[object] then return nil end
  return getmetatable(object)
end

function globals.setmetatable(object, ...)
  if protected[object] then error(READONLY, 0) end
  return setmetatable(object, ...)
end

function globals.rawset(object, ...)
  if protected[object] then error(READONLY, 0) end
  return rawset(object, ...)
end

-- Chunks ----------------------------------------------------------------------------------------

-- Bytecode can do what no source can; Redis's Lua does not load it either.
function globals.loadstring(chunk, ...)
  if byte(chunk) == 27 then return nil, "attempt to load a binary chunk" end
  return loadstring(chunk, ...)
end

function globals.load(reader, name)
  local pieces = {}
  while true do
    local piece = reader()
    if piece == nil or piece == "" then break end
    pieces[#pieces + 1] = piece
  end
  return globals.loadstring(concat(pieces), name or "=(load)")
end

-- What would show the state of the VM -------------------------------------------------------

-- Real addresses differ from run to run. Called by Rust's `tostring`, for what has an address.
local function name(object)
  local metatable = getmetatable(object)
  if type(metatable) == "table" and rawget(metatable, "__tostring") ~= nil then
    return tostring(object)
  end
  if names_of ~= globals.KEYS then names, named, names_of = {}, 0, globals.KEYS end
  if not names[object] then
    named = named + 1
    names[object] = format("%s: 0x%012x", type(object), named * 32)
  end
  return names[object]
end

globals.tostring = host.tostring(name)

function globals.collectgarbage(option)
  if option == "count" then return 0, 0 end
  return 0
end

function globals.gcinfo()
  return 0, 0
end

-- Libraries -----------------------------------------------------------------------------------

local strings = copy(string)

local tables = copy(table)

function tables.insert(list, ...)
  if protected[list] then error(READONLY, 0) end
  return insert(list, ...)
end

local maths = copy(math)
maths.random, maths.randomseed = host.random, host.randomseed

globals.string = protect(strings)
globals.table = protect(tables)
globals.math = protect(maths)
globals.coroutine = protect(coroutines)
globals.redis = protect(host.redis)

getmetatable("").__index = strings

-- Running a script ----------------------------------------------------------------------------

-- Plain scripts (`plain.rs`) cannot write to what they see, so they see the things themselves.
local open = setmetatable(copy(globals), getmetatable(globals))

-- A plain script whose `KEYS` and `ARGV` Rust keeps filled; Rust calls `xpcall` with it.
local function plain_script(make, keys, arguments)
  return make(host.redis, host.numbered_call, keys, arguments)
end

-- For the others they are new tables in each run.
local RUNNER = [[
local globals, xpcall, handle = ...
return function(script, %s)
  globals.KEYS, globals.ARGV = %s, %s
  return xpcall(script, handle)
end]]

local function runner(parameters, keys, arguments)
  return loadstring(format(RUNNER, parameters, keys, arguments), "=redis")(globals, xpcall, handle)
end

-- What runs a script with so many keys and arguments, each a parameter of its own: taking `...`
-- apart, or making the tables from outside, takes several times as long. Without numbers: what
-- runs one with the two tables.
local function runner_for(keys, arguments)
  if not keys then return runner("keys, arguments", "keys", "arguments") end
  local all = keys + arguments
  if all == 0 then return runner("_", "{}", "{}") end
  local names = {}
  for index = 1, all do names[index] = "p" .. index end
  local function list(first, last) return concat(names, ", ", first, last) end
  local function table_of(first, last) return "{ " .. list(first, last) .. " }" end
  return runner(list(1, all), table_of(1, keys), table_of(keys + 1, all))
end

return environment, open, runner_for, plain_script
