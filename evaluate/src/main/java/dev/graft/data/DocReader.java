package dev.graft.data;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MappingIterator;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.csv.CsvMapper;
import tools.jackson.dataformat.csv.CsvReadFeature;
import tools.jackson.dataformat.csv.CsvSchema;

/** Reads a benchmark's file. */
public final class DocReader {
  private static final String BYTE_ORDER_MARK = "\uFEFF";

  private static final CsvMapper CSV =
      CsvMapper.builder().enable(CsvReadFeature.FAIL_ON_MISSING_COLUMNS).build();

  private DocReader() {}

  /**
   * All records of a file, in their order.
   *
   * @throws InvalidInputException if it is not of the format
   */
  public static List<Doc> read(Path file, DocFormat format) throws IOException {
    String text = text(file);
    List<Map<String, Object>> records =
        switch (format) {
          case CSV -> csv(file, text);
          case JSONL -> jsonLines(file, text);
          case WIKITEXT -> articles(text);
        };
    List<Doc> docs = new ArrayList<>();
    for (Map<String, Object> fields : records) {
      docs.add(new Doc(docs.size(), fields));
    }
    if (docs.isEmpty()) {
      throw new InvalidInputException(file + ": there is no record in it; fetch the file again");
    }
    return List.copyOf(docs);
  }

  private static String text(Path file) throws IOException {
    try {
      String text = Files.readString(file);
      return text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw new InvalidInputException(file + ": this is not UTF-8; convert it", e);
    }
  }

  private static List<Map<String, Object>> csv(Path file, String text) throws IOException {
    List<Map<String, Object>> records = new ArrayList<>();
    try (MappingIterator<Map<String, Object>> rows =
        CSV.readerFor(Map.class).with(CsvSchema.emptySchema().withHeader()).readValues(text)) {
      while (rows.hasNextValue()) {
        records.add(new LinkedHashMap<>(rows.nextValue()));
      }
    } catch (JacksonException e) {
      throw new InvalidInputException(
          file + ", record " + (records.size() + 1) + ": " + firstLine(e), e);
    }
    return records;
  }

  private static List<Map<String, Object>> jsonLines(Path file, String text) {
    List<Map<String, Object>> records = new ArrayList<>();
    int number = 0;
    for (String line : text.split("\n", -1)) {
      number++;
      if (line.isBlank()) {
        continue;
      }
      JsonNode node;
      try {
        node = JsonMapper.shared().readTree(line);
      } catch (JacksonException e) {
        throw new InvalidInputException(
            file + ", line " + number + ": this is not JSON: " + firstLine(e), e);
      }
      if (!node.isObject()) {
        throw new InvalidInputException(
            file + ", line " + number + ": this is not a JSON object; each line must be one");
      }
      Map<String, Object> fields = new LinkedHashMap<>();
      node.properties().forEach(field -> fields.put(field.getKey(), value(field.getValue())));
      records.add(fields);
    }
    return records;
  }

  private static Object value(JsonNode node) {
    if (node.isString()) {
      return node.asString();
    }
    if (node.isBoolean()) {
      return node.booleanValue();
    }
    if (node.isIntegralNumber()) {
      return node.canConvertToLong() ? (Object) node.longValue() : new BigInteger(node.asString());
    }
    if (node.isNumber()) {
      return node.doubleValue();
    }
    if (node.isArray()) {
      List<Object> list = new ArrayList<>();
      node.forEach(element -> list.add(value(element)));
      return list;
    }
    if (node.isObject()) {
      Map<String, Object> map = new LinkedHashMap<>();
      node.properties().forEach(field -> map.put(field.getKey(), value(field.getValue())));
      return map;
    }
    return ""; // null: a field that is there and empty
  }

  /** An article begins where a line is a heading of the first level: {@code = Title =}. */
  private static List<Map<String, Object>> articles(String text) {
    List<Map<String, Object>> pages = new ArrayList<>();
    List<String> lines = new ArrayList<>();
    for (String line : text.split("\n", -1)) {
      String heading = line.replace("= = =", "===").replace("= =", "==").strip();
      if (heading.startsWith("= ") && heading.endsWith(" =")) {
        add(pages, lines);
        lines.clear();
      }
      lines.add(line);
    }
    add(pages, lines);
    return pages;
  }

  private static void add(List<Map<String, Object>> pages, List<String> lines) {
    String page = String.join("\n", lines);
    if (!page.isBlank()) {
      pages.add(Map.of("page", page));
    }
  }

  private static String firstLine(JacksonException e) {
    return e.getOriginalMessage().lines().findFirst().orElse("it cannot be read");
  }
}
