package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoCommandTest {
  @TempDir private Path directory;

  @Test
  void itSaysWhatItFoundAndWhere() {
    Path out = directory.resolve("demo");
    Captured ran = Captured.run("demo", "--out", out.toString(), "--steps", "2", "--seed", "3");
    assertEquals(0, ran.code(), ran.err());
    assertTrue(ran.out().contains("after 4,096 tokens each: dense continued "), ran.out());
    assertTrue(ran.out().contains("wrote " + out.resolve("summary.json")), ran.out());
    assertTrue(ran.out().contains("wrote " + out.resolve("report.html")), ran.out());
    assertTrue(ran.out().contains("\n  In Velmora the "), ran.out());
    assertTrue(Files.exists(out.resolve("summary.json")));
    assertTrue(Files.exists(out.resolve("report.html")));
  }

  @Test
  void aFolderWithSomethingInItIsTheUsersMistake() throws IOException {
    Files.writeString(directory.resolve("mine"), "kept");
    Captured ran = Captured.run("demo", "--out", directory.toString());
    assertEquals(2, ran.code());
    assertTrue(ran.err().contains(directory.toString()), ran.err());
  }

  @Test
  void aModelWithoutTextIsTheUsersMistake() {
    Captured ran = Captured.run("demo", "--from", directory.toString());
    assertEquals(2, ran.code());
    assertTrue(ran.err().contains("--text"), ran.err());
  }

  @Test
  void stepsAreAtLeastOne() {
    Captured ran = Captured.run("demo", "--out", directory.resolve("x").toString(), "--steps", "0");
    assertEquals(2, ran.code());
    assertTrue(ran.err().contains("--steps is 0"), ran.err());
  }
}
