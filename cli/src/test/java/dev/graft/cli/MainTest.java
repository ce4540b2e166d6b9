package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class MainTest {
  @Test
  void helpListsTheExitCodes() {
    Captured help = Captured.run("--help");
    assertEquals(0, help.code());
    assertTrue(help.out().contains("Exit codes:"), help.out());
    assertTrue(help.out().contains("--debug"), help.out());
    assertEquals("", help.err());
  }

  @Test
  void versionIsTheBuilds() {
    Captured version = Captured.run("--version");
    assertEquals(0, version.code());
    assertTrue(version.out().matches("(?s)graft \\d+\\.\\d+\\.\\d+.*"), version.out());
  }

  @Test
  void aVerbKnowsTheVersionToo() {
    assertEquals(Captured.run("--version"), Captured.run("train", "--version"));
  }

  @Test
  void anUnknownVerbIsTheUsersMistake() {
    Captured unknown = Captured.run("frobnicate");
    assertEquals(2, unknown.code());
    assertEquals("", unknown.out());
    assertTrue(unknown.err().startsWith("graft: "), unknown.err());
    assertTrue(unknown.err().contains("graft --help"), unknown.err());
    assertFalse(unknown.err().contains("\tat "), unknown.err());
  }

  @Test
  void debugShowsTheStackTrace() {
    Captured unknown = Captured.run("--debug", "frobnicate");
    assertEquals(2, unknown.code());
    assertTrue(unknown.err().contains("\tat "), unknown.err());
  }

  @Test
  void noVerbPrintsTheUsageAndFails() {
    Captured bare = Captured.run();
    assertEquals(2, bare.code());
    assertEquals("", bare.out());
    assertTrue(bare.err().contains("Usage: graft"), bare.err());
  }

  @ParameterizedTest
  @ValueSource(strings = {"verbs", "engine"})
  void theRehearsalForTheAotCacheRuns(String what) {
    Captured rehearsal = Captured.run("rehearse", what);
    assertEquals(0, rehearsal.code(), rehearsal.err());
  }

  @Test
  void everyVerbExplainsItself() {
    CommandLine graft = Main.commandLine(new ErrorReport(System.err));
    for (CommandLine verb : graft.getSubcommands().values()) {
      var spec = verb.getCommandSpec();
      assertTrue(spec.usageMessage().description().length > 0, spec.name() + " has no description");
      assertTrue(spec.optionsMap().containsKey("--help"), spec.name() + " has no --help");
      for (var option : spec.options()) {
        assertTrue(
            option.description().length > 0, spec.name() + " " + option.longestName() + " is mute");
      }
    }
  }
}
