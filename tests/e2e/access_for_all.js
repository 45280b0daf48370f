// Returns what keeps somebody from using the page: a list of sentences, empty when all is well.
() => {
  for (const animation of document.getAnimations()) if (animation.effect.getTiming().iterations !== Infinity) animation.finish()
  const faults = []
  const shown = node => node.getClientRects().length > 0 && getComputedStyle(node).visibility !== 'hidden'
  const text = node => (node.textContent || '').replace(/\s+/g, ' ').trim()
  const named = id => id.split(/\s+/).map(one => document.getElementById(one)).filter(Boolean).map(text).join(' ')
  const name = node =>
    (node.getAttribute('aria-labelledby') && named(node.getAttribute('aria-labelledby'))) || node.getAttribute('aria-label') ||
    [...(node.labels || [])].map(text).join(' ') || node.getAttribute('title') || ''
  const where = node => node.outerHTML.slice(0, 120)

  if (!document.documentElement.lang) faults.push('the page does not say its language')
  if (!document.title.trim()) faults.push('the page has no title')
  const headings = [...document.querySelectorAll('h1')].filter(shown)
  if (headings.length !== 1) faults.push(`${headings.length} main headings`)
  const ids = [...document.querySelectorAll('[id]')].map(node => node.id)
  for (const id of new Set(ids.filter((one, at) => ids.indexOf(one) !== at))) faults.push(`two elements are #${id}`)
  for (const node of document.querySelectorAll('input:not([type=hidden]), select, textarea'))
    if (shown(node) && !name(node)) faults.push(`a field without a label: ${where(node)}`)
  for (const node of document.querySelectorAll('button, a[href], summary, [role=button]'))
    if (shown(node) && !text(node) && !name(node) && ![...node.querySelectorAll('img')].some(one => one.alt))
      faults.push(`a control without a name: ${where(node)}`)
  for (const node of document.querySelectorAll('img')) if (!node.hasAttribute('alt')) faults.push(`a picture without words: ${where(node)}`)
  for (const node of document.querySelectorAll('[role=img], canvas[role], [role=progressbar]'))
    if (!name(node)) faults.push(`a drawing without words: ${where(node)}`)
  for (const node of document.querySelectorAll('[tabindex]')) if (node.tabIndex > 0) faults.push(`the order of the tab key is bent: ${where(node)}`)
  for (const attribute of ['for', 'aria-labelledby', 'aria-describedby', 'aria-controls'])
    for (const node of document.querySelectorAll(`[${attribute}]`))
      for (const id of node.getAttribute(attribute).split(/\s+/))
        if (id && !document.getElementById(id)) faults.push(`${attribute} names what is not there: ${where(node)}`)
  for (const table of document.querySelectorAll('table')) if (shown(table) && !table.querySelector('th')) faults.push(`a table without headings: ${where(table)}`)
  const root = document.documentElement
  if (root.scrollWidth > root.clientWidth) faults.push(`the page is ${root.scrollWidth - root.clientWidth} pixels wider than the telephone`)

  const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const rgba = colour => {
    paint.clearRect(0, 0, 1, 1); paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1)
    const [red, green, blue, alpha] = paint.getImageData(0, 0, 1, 1).data
    return [red, green, blue, alpha / 255]
  }
  const over = (top, below) => [0, 1, 2].map(at => top[at] * top[3] + below[at] * (1 - top[3])).concat(1)
  const ground = node => {
    const layers = []
    for (let at = node; at; at = at.parentElement) {
      const style = getComputedStyle(at)
      if (style.backgroundImage !== 'none') return null
      const colour = rgba(style.backgroundColor)
      if (colour[3]) layers.push(colour)
      if (colour[3] === 1) break
    }
    return layers.reverse().reduce((below, top) => over(top, below), rgba(getComputedStyle(root).colorScheme.includes('dark') ? '#000' : '#fff'))
  }
  const light = colour => {
    const [red, green, blue] = colour.map(part => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const seen = new Set()
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement
    if (!walker.currentNode.data.trim() || !shown(node) || node.closest('[disabled], [aria-hidden=true], .visually-hidden, script, style, option, .skip-link')) continue
    const style = getComputedStyle(node), below = ground(node)
    if (!below) continue
    const front = over(rgba(style.color), below)
    const [dim, bright] = [light(front), light(below)].sort((a, b) => a - b)
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700)
    const contrast = (bright + 0.05) / (dim + 0.05)
    const kind = `${style.color} on ${below.slice(0, 3).map(Math.round)}`
    if (contrast < (large ? 3 : 4.5) && !seen.has(kind)) {
      seen.add(kind)
      faults.push(`hard to read, contrast ${contrast.toFixed(2)}: "${text(node).slice(0, 40)}" .${node.className}, ${kind}`)
    }
  }
  return faults
}
