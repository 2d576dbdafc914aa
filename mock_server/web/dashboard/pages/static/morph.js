// Makes a part of the page like a newer version of itself and touches nothing else: focus, scrolling and input stay.

export function morph(old, newer) {
  if (old.isEqualNode(newer) || (old.nodeType === Node.ELEMENT_NODE && old.hasAttribute("data-keep"))) return;
  if (old.nodeType !== newer.nodeType || old.nodeName !== newer.nodeName || keyOf(old) !== keyOf(newer)) {
    old.replaceWith(document.importNode(newer, true));
  } else if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = newer.nodeValue;
  } else {
    copyAttributes(old, newer);
    morphChildren(old, newer);
  }
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || "" : "";
}

function copyAttributes(old, newer) {
  for (const name of old.getAttributeNames()) if (!newer.hasAttribute(name)) old.removeAttribute(name);
  for (const name of newer.getAttributeNames()) {
    if (old.getAttribute(name) !== newer.getAttribute(name)) old.setAttribute(name, newer.getAttribute(name));
  }
}

function morphChildren(old, newer) {
  const keyed = new Map();
  for (const child of old.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
  let place = old.firstChild;
  for (const child of [...newer.childNodes]) {
    const known = keyOf(child) ? keyed.get(keyOf(child)) : null;
    if (known) {
      keyed.delete(keyOf(child));
      if (known === place) place = place.nextSibling;
      else old.insertBefore(known, place);
      morph(known, child);
    } else if (place && !keyOf(child) && !keyOf(place)) {
      const next = place.nextSibling;
      morph(place, child);
      place = next;
    } else {
      old.insertBefore(document.importNode(child, true), place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}
