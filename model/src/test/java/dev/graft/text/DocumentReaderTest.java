package dev.graft.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.Zstd;
import dev.graft.checkpoint.InvalidInputException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DocumentReaderTest {
  private static final DocumentReader.Split BLANK = DocumentReader.Split.BLANK_LINE;

  @TempDir Path folder;

  private Path file(String name, byte[] content) throws IOException {
    return Files.write(folder.resolve(name), content);
  }

  private Path file(String name, String content) throws IOException {
    return file(name, content.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] gzip(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  private static byte[] zstd(String text) {
    return Zstd.compress(text.getBytes(StandardCharsets.UTF_8));
  }

  private static List<Document> read(Path file, DocumentReader.Split split) throws IOException {
    List<Document> documents = new ArrayList<>();
    try (DocumentReader reader = DocumentReader.open(file, split, "text", _ -> {})) {
      for (Optional<Document> next = reader.next(); next.isPresent(); next = reader.next()) {
        documents.add(next.get());
      }
    }
    return documents;
  }

  private static List<String> texts(Path file, DocumentReader.Split split) throws IOException {
    return read(file, split).stream()
        .map(document -> ((Document.Body.Text) document.body()).text())
        .toList();
  }

  private static void refused(Path file, String start) {
    String message =
        assertThrows(InvalidInputException.class, () -> read(file, BLANK)).getMessage();
    assertTrue(message.startsWith(file + start), message);
  }

  @Test
  void blankLinesSeparateDocuments() throws IOException {
    Path file = file("a.txt", "\n \nA\nstill A\n\n\t\n  B \n\nC");
    assertEquals(List.of("A\nstill A", "  B ", "C"), texts(file, BLANK));
    assertEquals(
        List.of(file + ": line 3", file + ": line 7", file + ": line 9"),
        read(file, BLANK).stream().map(Document::source).toList());
  }

  @Test
  void aFileCanBeOneDocument() throws IOException {
    String text = "\nA\n\nB\n";
    assertEquals(List.of(text), texts(file("a.txt", text), DocumentReader.Split.FILE));
    assertEquals(List.of("A"), texts(file("a.txt", "A"), DocumentReader.Split.FILE));
  }

  @Test
  void lineEndsAndByteOrderMarkAreNotText() throws IOException {
    assertEquals(List.of("A\nB", "C"), texts(file("a.txt", "\uFEFFA\r\nB\r\n\r\nC\r\n"), BLANK));
    assertEquals(
        List.of("A\n\nB\n"), texts(file("a.txt", "A\r\n\r\nB\r\n"), DocumentReader.Split.FILE));
  }

  @Test
  void compressedFilesReadAsPlainOnes() throws IOException {
    String text = "é🙂 line\n".repeat(30_000) + "\nlast";
    List<String> plain = texts(file("a.txt", text), BLANK);
    assertEquals(2, plain.size());
    assertEquals(plain, texts(file("a.txt.gz", gzip(text)), BLANK));
    assertEquals(plain, texts(file("a.txt.zst", zstd(text)), BLANK));
  }

  @Test
  void compressedPartsFollowEachOther() throws IOException {
    for (boolean gzip : new boolean[] {true, false}) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (String part : List.of("one\n", "\ntwo", "\n\nthree")) {
        bytes.write(gzip ? gzip(part) : zstd(part));
      }
      assertEquals(
          List.of("one", "two", "three"),
          texts(file(gzip ? "a.txt.gz" : "a.txt.zst", bytes.toByteArray()), BLANK));
    }
  }

  @Test
  void allBytesOfTheFileAreCounted() throws IOException {
    for (String name : List.of("a.txt", "a.txt.gz", "a.txt.zst")) {
      String text = "line\n".repeat(50_000);
      Path file =
          name.endsWith("gz")
              ? file(name, gzip(text))
              : name.endsWith("zst") ? file(name, zstd(text)) : file(name, text);
      AtomicLong counted = new AtomicLong();
      try (DocumentReader reader = DocumentReader.open(file, BLANK, "text", counted::addAndGet)) {
        while (reader.next().isPresent()) {}
      }
      assertEquals(Files.size(file), counted.get(), name);
    }
  }

  @Test
  void jsonLinesHoldTextsOrMessages() throws IOException {
    Path file =
        file(
            "a.jsonl",
            """
            {"text": "A\\nB 🙂", "id": 1}

            {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": ""}], "tools": []}
            {"text": ""}
            """);
    assertEquals(
        List.of(
            new Document(file + ": line 1", new Document.Body.Text("A\nB 🙂")),
            new Document(
                file + ": line 3",
                new Document.Body.Conversation(
                    List.of(
                        new Document.Message("user", "hi"),
                        new Document.Message("assistant", "")))),
            new Document(file + ": line 4", new Document.Body.Text(""))),
        read(file, BLANK));
    try (DocumentReader reader =
        DocumentReader.open(
            file("b.jsonl.gz", gzip("{\"body\": \"x\"}")), BLANK, "body", _ -> {})) {
      assertEquals(new Document.Body.Text("x"), reader.next().orElseThrow().body());
    }
  }

  @Test
  void badLinesAreNamed() throws IOException {
    String good = "{\"text\": \"x\"}\n".repeat(20_000);
    String at = ": line 20001";
    refused(file("a.jsonl", good + "{\"text\": \"x\n"), at + " is not JSON");
    refused(file("b.jsonl", good + "text\n" + good), at + " is not JSON");
    refused(file("c.jsonl", good + "{\"content\": \"x\"}"), at + " has neither a 'text' string");
    refused(file("d.jsonl", good + "[1]"), at + " has neither");
    refused(file("e.jsonl", good + "{\"text\": 3}"), at + " has neither");
    refused(file("f.jsonl", good + "{\"messages\": []}"), at + ": 'messages' is empty");
    refused(
        file("g.jsonl", good + "{\"messages\": [{\"role\": \"user\", \"content\": null}]}"),
        at + ": message 1 needs a 'role' and a 'content'");
    refused(
        file(
            "h.jsonl",
            good + "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}], \"tools\": [{}]}"),
        at + " has 'tools'");
    refused(
        file("i.jsonl", good + "{\"text\": \"a\\ud83d b\"}"),
        at + " holds half of a surrogate pair, \\ud83d");
    refused(file("j.jsonl", good + "{\"text\": \"a\\ude42\"}"), at + " holds half of a surrogate");
  }

  @Test
  void linesThatAreNotUtf8AreNamed() throws IOException {
    byte[] latin = "na\u00EFve\n".getBytes(StandardCharsets.ISO_8859_1);
    for (String name : List.of("a.txt", "a.jsonl")) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      String good = name.endsWith("txt") ? "good \uFFFD\n" : "{\"text\": \"\uFFFD\"}\n";
      bytes.write(good.repeat(9_999).getBytes(StandardCharsets.UTF_8));
      bytes.write(latin);
      bytes.write(good.repeat(9_999).getBytes(StandardCharsets.UTF_8));
      refused(file(name, bytes.toByteArray()), ": line 10000 is not UTF-8");
    }
  }

  @Test
  void damagedArchivesAreNamed() throws IOException {
    byte[] gzip = gzip("some text\n".repeat(1000));
    byte[] zstd = zstd("some text\n".repeat(1000));
    refused(
        file("a.txt.gz", Arrays.copyOf(gzip, gzip.length - 9)), ": the compressed data is damaged");
    refused(
        file("b.txt.zst", Arrays.copyOf(zstd, zstd.length - 3)),
        ": the compressed data is damaged");
    gzip[gzip.length - 6] ^= 1; // the checksum
    refused(file("c.txt.gz", gzip), ": the compressed data is damaged");
    refused(file("d.txt.gz", "text"), ": this is not gzip's format");
    refused(file("e.txt.gz", ""), ": this is not gzip's format");
    refused(file("f.txt.zst", "plain text"), ": the compressed data is damaged");
  }

  @Test
  void theNameSaysWhatAFileIs() throws IOException {
    refused(file("a.csv", "x"), ": the name ends in neither .txt nor .jsonl");
    refused(file("a.gz", "x"), ": the name ends in neither");
    refused(folder.resolve("absent.txt"), ": there is no such file");
  }

  @Test
  void emptyFilesHaveNoDocuments() throws IOException {
    for (String empty : List.of("", "\n", " \n\n")) {
      assertEquals(List.of(), read(file("a.txt", empty), BLANK));
      assertEquals(List.of(), read(file("a.txt", empty), DocumentReader.Split.FILE));
      assertEquals(List.of(), read(file("a.jsonl", empty), BLANK));
    }
  }
}
