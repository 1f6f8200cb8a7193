%%% Records the traces in scenario files from the real OTP supervisor, or
%%% compares the recorded ones with it.
%%%
%%% From the top of the repository:
%%%
%%%     make otp-record                       compare testdata/otp/*.json
%%%     make otp-record WRITE=1               and write the traces that differ
%%%     make otp-record DIR=/some/dir         of another directory
%%%
%%% record.sh compiles and runs the two modules; usage/0 below has its options.
%%% They need nothing but the applications kernel and stdlib, so the Debian
%%% package erlang-base is enough. The traces are those of OTP 25.
%%%
%%% The work on one scenario is in scenario.erl. Here are the command, the
%%% comparison, the files and, as OTP 25 has none, JSON.
-module(recorder).

-export([main/0]).

%% The release whose traces the files hold.
-define(RELEASE, "25").
%% A trace that is to be written must come out the same this many times.
-define(RUNS_TO_WRITE, 3).
%% How much of a value is shown, in characters.
-define(SHOWN, 400).

-record(options, {write = false :: boolean(),
                  runs = 1 :: pos_integer(),
                  paths = [] :: [string()]}).

usage() ->
    "usage: record.sh [--write] [--runs N] DIR|FILE...\n"
    "\n"
    "Runs the scenario in each FILE, and in each *.json in DIR, on the OTP supervisor\n"
    "and compares the outcome with the trace in the file.\n"
    "\n"
    "  --write    Write the trace into the files where it differs, and into those that\n"
    "             have none yet: this is how a new scenario is recorded. The rest of\n"
    "             the file stays as it is.\n"
    "  --runs N   Run each scenario N times and see whether the outcome varies; 1 if\n"
    "             not given. One that differs or is new is run 3 times at least. A\n"
    "             trace that varies is never written.\n"
    "\n"
    "The exit status is 1 if a trace differs, is missing or varies, or a scenario could\n"
    "not be run; with --write, if there is one that could not be written.\n".

%%% ---------------------------------------------------------------------
%%% The command
%%% ---------------------------------------------------------------------

main() ->
    ok = io:setopts([{encoding, unicode}]),
    Status = try
                 main(options(init:get_plain_arguments(), #options{}))
             catch
                 throw:{stop, Text} ->
                     io:put_chars(standard_error, Text),
                     1
             end,
    halt(Status).

main(#options{paths = Paths} = Options) ->
    Files = lists:flatmap(fun files/1, Paths),
    print_version(),
    ok = scenario:setup(),
    Begin = erlang:monotonic_time(millisecond),
    Outcomes = [record(File, Options) || File <- Files],
    Took = erlang:monotonic_time(millisecond) - Begin,
    Count = fun(Outcome) -> length([O || O <- Outcomes, O =:= Outcome]) end,
    io:format("~b files, ~b recorded in ~.1f s: ~b agree, ~b differ, ~b had no trace; ~b failed~n",
              [length(Files), length(Files) - Count(failed), Took / 1000, Count(agree),
               Count(differ) + Count(differ_written),
               Count(new) + Count(new_written), Count(failed)]),
    case Count(differ_written) + Count(new_written) of
        0 -> ok;
        Written -> io:format("~b files written~n", [Written])
    end,
    case Count(differ) + Count(new) + Count(failed) of
        0 -> 0;
        _ -> 1
    end.

options(["--write" | Rest], Options) ->
    options(Rest, Options#options{write = true});
options(["--runs", N | Rest], Options) ->
    case string:to_integer(N) of
        {Runs, []} when is_integer(Runs), Runs > 0 ->
            options(Rest, Options#options{runs = Runs});
        _ ->
            throw({stop, usage()})
    end;
options(["-" ++ _ | _], _) ->
    throw({stop, usage()});
options([Path | Rest], #options{paths = Paths} = Options) ->
    options(Rest, Options#options{paths = [Path | Paths]});
options([], #options{paths = []}) ->
    throw({stop, usage()});
options([], #options{paths = Paths} = Options) ->
    Options#options{paths = lists:reverse(Paths)}.

files(Path) ->
    case {filelib:is_dir(Path), filelib:is_regular(Path)} of
        {true, _} ->
            case filelib:wildcard("*.json", Path) of
                [] -> throw({stop, io_lib:format("no *.json in ~ts~n", [Path])});
                Files -> [filename:join(Path, File) || File <- Files]
            end;
        {false, true} ->
            [Path];
        {false, false} ->
            throw({stop, io_lib:format("~ts: no such file or directory~n", [Path])})
    end.

print_version() ->
    Release = erlang:system_info(otp_release),
    %% The whole version number is in a file, which some packages leave out.
    File = filename:join([code:root_dir(), "releases", Release, "OTP_VERSION"]),
    Version = case file:read_file(File) of
                  {ok, Text} -> string:trim(Text);
                  {error, _} -> Release
              end,
    io:format("Erlang/OTP ~ts, erts-~ts, ~ts~n",
              [Version, erlang:system_info(version), filename:basename(code:lib_dir(stdlib))]),
    case Release of
        ?RELEASE -> ok;
        _ -> io:format("note: the traces are those of OTP ~s, this release may rightly differ~n",
                       [?RELEASE])
    end.

%%% ---------------------------------------------------------------------
%%% One file
%%% ---------------------------------------------------------------------

-spec record(string(), #options{}) ->
          agree | differ | differ_written | new | new_written | failed.
record(File, Options) ->
    try
        {ok, Text} = file:read_file(File),
        {Members, Scenario, Recorded} = parts(Text),
        case run(Scenario, Recorded, Options#options.runs) of
            {same, Recorded} ->
                agree;
            {same, Trace} ->
                Kind = describe(File, Scenario, Recorded, Trace),
                write(Options#options.write, File, Text, Members, Kind, Trace);
            {varies, Count, Runs} ->
                io:format("~ts: varies, ~b different traces in ~b runs~n", [File, Count, Runs]),
                failed;
            {failed, Why} ->
                io:format("~ts: could not be run: ~0tP~n", [File, Why, 30]),
                failed
        end
    catch
        throw:{bad_file, Problem} ->
            io:format("~ts: ~ts~n", [File, Problem]),
            failed;
        error:{badmatch, {error, Reason}} ->
            io:format("~ts: ~ts~n", [File, file:format_error(Reason)]),
            failed
    end.

parts(Text) ->
    Members = try
                  members(Text)
              catch
                  throw:bad_json -> throw({bad_file, "not a JSON object"})
              end,
    case {lists:keyfind(<<"scenario">>, 1, Members), lists:keyfind(<<"trace">>, 1, Members)} of
        {false, _} -> throw({bad_file, "has no scenario"});
        {{_, Scenario, _, _}, false} -> {Members, Scenario, none};
        {{_, Scenario, _, _}, {_, Trace, _, _}} -> {Members, Scenario, Trace}
    end.

%% A scenario that yields the recorded trace at the first run has shown that it
%% can do so twice; any other is run again before its trace is believed.
run(Scenario, Recorded, Runs) ->
    First = run(Scenario),
    Total = case First of
                {ok, Recorded} -> Runs;
                {ok, _} -> max(Runs, ?RUNS_TO_WRITE);
                {failed, _} -> 1
            end,
    Results = lists:usort([First | [run(Scenario) || _ <- lists:seq(2, Total)]]),
    case {lists:keyfind(failed, 1, Results), Results} of
        {{failed, Why}, _} -> {failed, Why};
        {false, [{ok, Trace}]} -> {same, Trace};
        {false, _} -> {varies, length(Results), Total}
    end.

%% The trace in the form that it has when read from a file.
run(Scenario) ->
    case scenario:run(Scenario) of
        {ok, Trace} -> {ok, decode(iolist_to_binary(encode(Trace)))};
        {failed, Why} -> {failed, Why}
    end.

write(false, _, _, _, Kind, _) ->
    Kind;
write(true, File, Text, Members, Kind, Trace) ->
    ok = file:write_file(File, with_trace(Text, Members, Trace)),
    case Kind of
        differ -> differ_written;
        new -> new_written
    end.

%% The text of the file with the trace in the place of the old one, or behind
%% the last member.
with_trace(Text, Members, Trace) ->
    case lists:keyfind(<<"trace">>, 1, Members) of
        {_, _, Start, End} ->
            [binary:part(Text, 0, Start), layout(Trace), rest(Text, End)];
        false ->
            {_, _, _, End} = lists:last(Members),
            [binary:part(Text, 0, End), ",\n\"trace\":", layout(Trace), rest(Text, End)]
    end.

rest(Text, Start) ->
    binary:part(Text, Start, byte_size(Text) - Start).

%% One step a line.
layout(#{<<"start">> := Start, <<"steps">> := Steps, <<"final">> := Final}) ->
    ["{\"start\":", encode(Start),
     ",\n\"steps\":[", lists:join(",\n", [encode(Step) || Step <- Steps]),
     "],\n\"final\":", encode(Final), "}"].

%%% ---------------------------------------------------------------------
%%% Differences
%%% ---------------------------------------------------------------------

%% Tells of the first difference, in the order of time.
describe(File, _Scenario, none, _Trace) ->
    io:format("~ts: has no trace~n", [File]),
    new;
describe(File, Scenario, Recorded, Trace) ->
    {Where, Old, New} = case is_map(Recorded) of
                            true -> difference([<<"start">>, <<"steps">>, <<"final">>],
                                               Recorded, Trace);
                            false -> {[], Recorded, Trace}
                        end,
    io:format("~ts: differs at ~ts~n    recorded: ~ts~n    now:      ~ts~n",
              [File, place(Where, Scenario), show(Old), show(New)]),
    differ.

%% The first of these keys whose values differ, and where and how they do.
difference([Key | Keys], Old, New) ->
    case {maps:get(Key, Old, missing), maps:get(Key, New, missing)} of
        {Same, Same} ->
            difference(Keys, Old, New);
        {OldValue, NewValue} ->
            {Where, A, B} = difference(OldValue, NewValue),
            {[Key | Where], A, B}
    end;
difference([], Old, New) ->
    %% Only a recorded trace with keys of its own gets here.
    {[], Old, New}.

%% Events are shown whole; in all else the difference is searched for.
difference(#{<<"e">> := _} = Old, New) ->
    {[], Old, New};
difference(Old, New) when is_map(Old), is_map(New) ->
    difference(lists:usort(maps:keys(Old) ++ maps:keys(New)), Old, New);
difference(Old, New) when is_list(Old), is_list(New) ->
    Indexed = fun(List) -> maps:from_list(lists:zip(lists:seq(0, length(List) - 1), List)) end,
    difference(Indexed(Old), Indexed(New));
difference(Old, New) ->
    {[], Old, New}.

%% The start of the tree is step 0.
place([<<"start">> | Rest], _) ->
    ["step 0 (start of the tree)", inside(Rest)];
place([<<"steps">>, Index | Rest], #{<<"steps">> := Steps}) when Index < length(Steps) ->
    [io_lib:format("step ~b ~ts", [Index + 1, show(lists:nth(Index + 1, Steps))]), inside(Rest)];
place([<<"steps">>, Index | Rest], _) ->
    [io_lib:format("step ~b", [Index + 1]), inside(Rest)];
place([<<"final">> | Rest], _) ->
    ["the final state", inside(Rest)];
place(Where, _) ->
    ["the trace", inside(Where)].

inside([]) -> "";
inside(Where) -> [", " | lists:join(".", [key(Key) || Key <- Where])].

key(Index) when is_integer(Index) -> integer_to_list(Index);
key(Key) -> Key.

show(missing) ->
    "nothing";
show(Value) ->
    Text = iolist_to_binary(encode(Value)),
    case string:length(Text) > ?SHOWN of
        true -> [string:slice(Text, 0, ?SHOWN), "..."];
        false -> Text
    end.

%%% ---------------------------------------------------------------------
%%% JSON
%%% ---------------------------------------------------------------------

%% Decoded, an object is a map with binaries as keys, a string is a binary in
%% UTF-8. What is not JSON throws bad_json.
decode(Text) ->
    {Value, Rest} = value(skip(Text)),
    <<>> = skip(Rest),
    Value.

%% The members of the object that the text is, in their order, each with where
%% its value starts and ends in the text.
-spec members(binary()) ->
          [{Key :: binary(), Value :: term(), Start :: integer(), End :: integer()}].
members(Text) ->
    case skip(Text) of
        <<"{", Rest/binary>> ->
            {Members, End} = object(skip(Rest)),
            case skip(End) of
                <<>> -> ok;
                _ -> throw(bad_json)
            end,
            Offset = fun(At) -> byte_size(Text) - byte_size(At) end,
            [{Key, Value, Offset(Start), Offset(Behind)} || {Key, Value, Start, Behind} <- Members];
        _ ->
            throw(bad_json)
    end.

skip(<<C, Rest/binary>>) when C =:= $\s; C =:= $\n; C =:= $\t; C =:= $\r -> skip(Rest);
skip(Text) -> Text.

value(<<"{", Rest/binary>>) ->
    {Members, Behind} = object(skip(Rest)),
    {maps:from_list([{Key, Value} || {Key, Value, _, _} <- Members]), Behind};
value(<<"[", Rest/binary>>) -> array(skip(Rest));
value(<<$", Rest/binary>>) -> string(Rest, []);
value(<<"true", Rest/binary>>) -> {true, Rest};
value(<<"false", Rest/binary>>) -> {false, Rest};
value(<<"null", Rest/binary>>) -> {null, Rest};
value(Text) ->
    case re:run(Text, "^-?[0-9]+(\\.[0-9]+)?", [{capture, first, binary}]) of
        {match, [Number]} ->
            {number(Number), rest(Text, byte_size(Number))};
        nomatch ->
            throw(bad_json)
    end.

number(Number) ->
    try binary_to_integer(Number) catch error:badarg -> binary_to_float(Number) end.

%% The members with the texts at the start of and behind each value.
object(<<"}", Rest/binary>>) -> {[], Rest};
object(Text) -> object(Text, []).

object(<<$", Text/binary>>, Members) ->
    {Key, Rest} = string(Text, []),
    Start = case skip(Rest) of
                <<":", Rest1/binary>> -> skip(Rest1);
                _ -> throw(bad_json)
            end,
    {Value, Behind} = value(Start),
    case next(Behind, $}) of
        {more, Rest2} -> object(Rest2, [{Key, Value, Start, Behind} | Members]);
        {last, Rest2} -> {lists:reverse(Members, [{Key, Value, Start, Behind}]), Rest2}
    end;
object(_, _) ->
    throw(bad_json).

array(<<"]", Rest/binary>>) -> {[], Rest};
array(Text) -> array(Text, []).

array(Text, Values) ->
    {Value, Behind} = value(Text),
    case next(Behind, $]) of
        {more, Rest} -> array(Rest, [Value | Values]);
        {last, Rest} -> {lists:reverse(Values, [Value]), Rest}
    end.

next(Text, Close) ->
    case skip(Text) of
        <<",", Rest/binary>> -> {more, skip(Rest)};
        <<Close, Rest/binary>> -> {last, Rest};
        _ -> throw(bad_json)
    end.

string(<<$", Rest/binary>>, Acc) ->
    {iolist_to_binary(lists:reverse(Acc)), Rest};
string(<<"\\u", Hex:4/binary, Rest/binary>>, Acc) ->
    %% Surrogate pairs, which nothing here has, are not understood.
    try unicode:characters_to_binary([binary_to_integer(Hex, 16)]) of
        Char when is_binary(Char) -> string(Rest, [Char | Acc]);
        _ -> throw(bad_json)
    catch
        error:badarg -> throw(bad_json)
    end;
string(<<$\\, C, Rest/binary>>, Acc) ->
    Char = case C of $n -> $\n; $t -> $\t; $r -> $\r; $b -> $\b; $f -> $\f; _ -> C end,
    string(Rest, [Char | Acc]);
string(<<C, Rest/binary>>, Acc) ->
    string(Rest, [C | Acc]);
string(<<>>, _) ->
    throw(bad_json).

%% Keys are sorted; atoms other than true, false and null are strings.
encode(Map) when is_map(Map) ->
    Members = lists:sort([{text(Key), Value} || {Key, Value} <- maps:to_list(Map)]),
    ["{", lists:join(",", [[encode(Key), ":", encode(Value)] || {Key, Value} <- Members]), "}"];
encode(List) when is_list(List) -> ["[", lists:join(",", [encode(Value) || Value <- List]), "]"];
encode(Integer) when is_integer(Integer) -> integer_to_list(Integer);
encode(Float) when is_float(Float) -> float_to_binary(Float, [short]);
encode(Word) when Word =:= true; Word =:= false; Word =:= null -> atom_to_list(Word);
encode(Atom) when is_atom(Atom) -> encode(atom_to_binary(Atom));
encode(Text) when is_binary(Text) -> [$", [escape(C) || <<C>> <= Text], $"].

text(Key) when is_atom(Key) -> atom_to_binary(Key);
text(Key) -> Key.

escape($") -> "\\\"";
escape($\\) -> "\\\\";
escape(C) when C < 32 -> io_lib:format("\\u~4.16.0b", [C]);
escape(C) -> C.
