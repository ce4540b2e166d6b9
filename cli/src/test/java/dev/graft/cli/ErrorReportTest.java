package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.events.InvalidRunException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ErrorReportTest {
  private record Said(int code, String text) {}

  private static Said say(Throwable thrown, boolean stackTrace) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int code =
        new ErrorReport(new PrintStream(bytes, true, StandardCharsets.UTF_8))
            .report(thrown, stackTrace);
    return new Said(code, bytes.toString(StandardCharsets.UTF_8));
  }

  private static void says(int code, String sentence, Throwable thrown) {
    assertEquals(new Said(code, "graft: " + sentence + System.lineSeparator()), say(thrown, false));
  }

  @Test
  void aUsersMistakeExitsWith2() {
    says(2, "config.json: no", new InvalidInputException("config.json: no"));
    says(2, "events.jsonl: no", new InvalidRunException("events.jsonl: no"));
  }

  @Test
  void aMistakeFoundOnAnotherThreadIsStillTheUsers() {
    InvalidInputException mistake = new InvalidInputException("bad.jsonl: no");
    says(2, "bad.jsonl: no", new ExecutionException(mistake));
    says(2, "bad.jsonl: no", new CompletionException(mistake));
  }

  @Test
  void fileFailuresAreSentences() {
    says(1, "a/b does not exist (--debug shows where)", new NoSuchFileException("a/b"));
    says(
        1,
        "a/b cannot be opened: permission denied (--debug shows where)",
        new UncheckedIOException(new AccessDeniedException("a/b")));
    says(
        1,
        "a/b could not be written: no space left on the disk; make room and run it again"
            + " (--debug shows where)",
        new FileSystemException("a/b", null, "No space left on device"));
    says(
        1,
        "no space left on the disk; make room and run it again (--debug shows where)",
        new IOException("No space left on device"));
  }

  @Test
  void aRoomsOwnSentenceIsKept() {
    says(
        1,
        "out/model.safetensors could not be saved (--debug shows where)",
        new UncheckedIOException(
            "out/model.safetensors could not be saved", new IOException("Input/output error")));
  }

  @Test
  void aRealFailureOfTheFileSystemIsReadable(@TempDir Path folder) {
    Path absent = folder.resolve("absent");
    try {
      Files.readString(absent);
      throw new AssertionError("it exists");
    } catch (IOException e) {
      says(1, absent + " does not exist (--debug shows where)", e);
    }
  }

  private static final class OutOfSteps extends RuntimeException {
    private static final long serialVersionUID = 1L;

    OutOfSteps() {
      super("out: step 3 gave no loss");
    }
  }

  @Test
  void aRoomsOwnExceptionIsASentenceAlready() {
    says(1, "out: step 3 gave no loss", new OutOfSteps());
  }

  @Test
  void memoryThatRanOutNamesTheRemedy() {
    Said said = say(new OutOfMemoryError("Java heap space"), false);
    assertEquals(1, said.code());
    assertTrue(said.text().contains("Java heap space"), said.text());
    assertTrue(said.text().contains("GRAFT_JAVA_OPTS=-Xmx"), said.text());
  }

  @Test
  void memoryThatLibtorchLacksNamesTheRecipesKeys() {
    says(
        1,
        "memory ran out in libtorch: take a smaller micro_batch_size or sequence_length"
            + " (--debug shows where)",
        new RuntimeException(
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate"
                + " memory: you tried to allocate 4000000000000 bytes."));
  }

  @Test
  void anythingElseIsNamedByItsClass() {
    says(
        1,
        "IllegalStateException: three (--debug shows where)",
        new IllegalStateException("three\nlines\nlong"));
    says(1, "NullPointerException (--debug shows where)", new NullPointerException());
  }

  @Test
  void theStackTraceComesOnDemandOnly() {
    assertFalse(say(new IllegalStateException("x"), false).text().contains("\tat "));
    assertTrue(say(new IllegalStateException("x"), true).text().contains("\tat "));
  }
}
