#!/usr/bin/perl
use strict; use warnings; use JSON::PP; $| = 1;
my $j = JSON::PP->new->canonical;
my $tool = {name=>"double",description=>"Twice a whole number.",inputSchema=>{type=>"object",properties=>{n=>{type=>"integer"}},required=>["n"]}};
sub txt { my ($t,$e)=@_; return {content=>[{type=>"text",text=>"$t"}],isError=>($e?JSON::PP::true:JSON::PP::false)}; }
while (my $line = <STDIN>) {
  my $m = eval { $j->decode($line) }; next unless ref $m eq 'HASH' && exists $m->{id};
  my $me = $m->{method} // ''; my $r;
  if ($me eq 'initialize') { $r = {protocolVersion=>"2025-06-18",capabilities=>{tools=>{}},serverInfo=>{name=>"p",version=>"1"}}; }
  elsif ($me eq 'tools/list') { $r = {tools=>[$tool]}; }
  elsif ($me eq 'ping') { $r = {}; }
  elsif ($me eq 'tools/call') { my $p=$m->{params}; my $n = ref $p eq 'HASH' && ref $p->{arguments} eq 'HASH' ? $p->{arguments}{n} : undef;
     if (ref $p eq 'HASH' && ($p->{name}//'') eq 'double' && defined $n && !ref $n && $n =~ /^-?\d{1,15}$/) { $r = txt(2*$n,0); } else { $r = txt("n has to be a whole number",1); } }
  my $o = {jsonrpc=>"2.0",id=>$m->{id}}; if ($r) { $o->{result}=$r } else { $o->{error}={code=>-32601,message=>"no"} }
  print $j->encode($o), "\n";
}
